/** Everything that is needed to run one version of a function, resolved and immutable. */
export interface FunctionVersion {
  /** Differs for every published version and for every change of `$LATEST`. */
  readonly key: string;
  readonly account: string;
  readonly region: string;
  readonly name: string;
  /** `$LATEST` or a number. */
  readonly version: string;
  /** Without a qualifier. */
  readonly arn: string;
  readonly runtime: string;
  readonly handler: string;
  readonly memoryMB: number;
  readonly timeoutSeconds: number;
  readonly tmpMB: number;
  readonly roleArn: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly logGroup: string;
  readonly logFormat: "Text" | "JSON";
  /** Least level of what the function, and of what Lambda itself writes; counts for JSON only. */
  readonly applicationLogLevel?: string;
  readonly systemLogLevel?: string;
  readonly internet: boolean;
  /** Digest of the zip. */
  readonly codeDigest: string;
  readonly layerDigests: readonly string[];
}

/** One call of a function. */
export interface InvokeRequest {
  readonly requestId: string;
  readonly payload: Buffer;
  /** ARN as it was called, with the qualifier. */
  readonly invokedArn: string;
  readonly clientContext?: string;
  readonly traceId?: string;
  readonly wantsTail?: boolean;
  /**
   * Takes the pieces of an answer that the function streams, as they come; the first of all names its content type. What
   * it returns is waited for before more is read of the function.
   */
  readonly onPiece?: (piece: Buffer, contentType: string | undefined) => Promise<void> | undefined;
}

/** How a call ended, and what it cost. */
export interface InvokeOutcome {
  readonly payload: Buffer;
  /** `Unhandled` where the function failed: the payload is the error then. */
  readonly functionError?: "Unhandled";
  readonly errorType?: string;
  readonly durationMs: number;
  /** How much of it extensions took after the function's answer. */
  readonly extensionsMs?: number;
  readonly billedMs: number;
  readonly initMs?: number | undefined;
  readonly maxMemoryMB: number;
  /** Last 4 KB of the log, where the caller asked for them. */
  readonly tail?: Buffer | undefined;
  /** Set where extensions still work on the call: the outcome with what it has cost in the end. */
  readonly whole?: Promise<InvokeOutcome>;
  /** Set where environments are kept ready for what was called: how many served at the time, or that all of them did. */
  readonly provisioned?: { readonly busy: number; readonly allocated: number; readonly isSpilled: boolean };
}
