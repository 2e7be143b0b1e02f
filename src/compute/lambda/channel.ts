/** What the runtime is told of one event. */
export interface Invocation {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly arn: string;
  readonly clientContext?: string;
  readonly traceId: string;
  readonly payload: Buffer;
}

/** What a handler made of an event: its answer, or its error in the runtime's own shape. */
export interface RuntimeAnswer {
  readonly kind: "response" | "error";
  readonly body: Buffer;
  readonly errorType?: string;
}

export type InitAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly body: Buffer; readonly errorType: string };

/** The way to a runtime in its sandbox: frames for ours, the Runtime API for everybody else's. */
export interface RuntimeChannel {
  /** Settles when the runtime has loaded the function, or could not. Never rejects by the runtime's doing. */
  readonly initialized: Promise<InitAnswer>;
  /** Hands over one event; at most one is under way. Stays pending where the runtime never answers: the caller has the time limit. */
  invoke(invocation: Invocation): Promise<RuntimeAnswer>;
  close(): void;
}
