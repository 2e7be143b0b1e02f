/** One command of the command line. */
export interface Command {
  readonly name: string;
  /** One line for `starling help`. */
  readonly summary: string;
  /** Usage and options, for `starling help <command>`. */
  readonly usage: string;
  /** Runs it and answers the exit code. An error that is thrown is printed, and the code is 1. */
  run(args: readonly string[]): Promise<number>;
}
