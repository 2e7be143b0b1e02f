/** What the runtime is told of one event. */
export interface Invocation {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  readonly arn: string;
  readonly clientContext?: string | undefined;
  readonly traceId: string;
  readonly payload: Buffer;
  /** The caller takes the answer as it comes. */
  readonly isStreamed?: boolean;
}

/** What a handler made of an event: its answer, or its error in the runtime's own shape. */
export interface RuntimeAnswer {
  /** `end` closes an answer that was streamed, `error` may do so too. */
  readonly kind: "response" | "error" | "end";
  readonly body: Buffer;
  readonly errorType?: string;
  /** What the runtime says it took, in microseconds; a hint for planning, never for the bill. */
  readonly micros?: number;
  /** Whether the runtime says that the handler gave up the CPU of its own: what it took is not all work. */
  readonly waited?: boolean;
}

export type InitAnswer =
  | { readonly ok: true }
  | { readonly ok: false; readonly body: Buffer; readonly errorType: string };

/** Whom a channel tells what comes from the runtime. Nothing that is told is trusted. */
export interface ChannelEvents {
  /** The answer to an event; at most one for each, and only for the one under way. */
  onAnswer(id: string, answer: RuntimeAnswer): void;
  /** A piece of a streamed answer; the bytes are the receiver's. */
  onPiece(id: string, piece: Buffer, contentType: string | undefined): void;
  onLog(chunk: Buffer): void;
  /** The runtime broke the protocol: its environment must end. */
  onFault(error: Error): void;
}

/** The way to a runtime in its sandbox: frames for ours, the Runtime API for everybody else's. */
export interface RuntimeChannel {
  /** Settles when the runtime has loaded the function, or could not. Never rejects by the runtime's doing. */
  readonly initialized: Promise<InitAnswer>;
  attach(events: ChannelEvents): void;
  /** Hands over one event; nothing else is under way. */
  invoke(invocation: Invocation): void;
  /** Puts an event behind the one under way, where the channel can take it back; answers false where it cannot. */
  ahead(invocation: Invocation): boolean;
  /** Ids of the events that the runtime has not read, nor ever will. */
  takeBack(): string[];
  /** Back-pressure: while paused nothing is read of what the runtime sends. */
  pause(): void;
  resume(): void;
  /** Tells what has arrived already but was not read yet; called when the sandbox has ended. */
  drain(): void;
  close(): void;
}
