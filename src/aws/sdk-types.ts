import type { Readable } from "node:stream";

/** Names of the operations of an SDK client package, read off its `XCommand` classes. */
export type OperationName<Module> = {
  [K in keyof Module]: K extends `${infer Name}Command` ? (Name extends "$" | "" ? never : Name) : never;
}[keyof Module] &
  string;

type CommandOf<Module, Name extends string> = `${Name}Command` extends keyof Module ? Module[`${Name}Command`] : never;
type RawInput<Command> = Command extends { new (...args: any[]): { input: infer Input } } ? Input : never;
type RawOutput<Command> = Command extends {
  new (...args: any[]): { resolveMiddleware(...args: any[]): (...args: any[]) => Promise<{ output: infer Output }> };
}
  ? Output
  : never;

/** A client may send a blob as text, bytes or a stream; a handler always sees bytes, or a Readable where the model streams. */
type ReadMember<T> = [ArrayBuffer] extends [T]
  ? Buffer
  : [Readable] extends [T]
    ? Readable
    : string extends T
      ? Uint8Array extends T
        ? Buffer
        : T
      : T;

/** A handler may answer a stream, bytes or text where a client sees a streaming payload. */
type WriteMember<T> = T extends { transformToWebStream: any }
  ? Readable | Uint8Array | string
  : T extends { transformToString(encoding?: string): string }
    ? Uint8Array | string
    : T;

/** What a handler of the operation gets. */
export type OperationInput<Module, Name extends string> = {
  [K in keyof RawInput<CommandOf<Module, Name>>]:
    | ReadMember<NonNullable<RawInput<CommandOf<Module, Name>>[K]>>
    | Extract<RawInput<CommandOf<Module, Name>>[K], undefined>;
};

type Raw<Module, Name extends string> = Omit<RawOutput<CommandOf<Module, Name>>, "$metadata">;

/** What a handler of the operation answers; every member may be left out. */
export type OperationOutput<Module, Name extends string> = {
  [K in keyof Raw<Module, Name>]?: WriteMember<NonNullable<Raw<Module, Name>[K]>> | undefined;
};
