/**
 * Results of the steps of one run, so that a run that is started again after a crash takes what was done as done.
 * A step may run twice (killed between its effect and its record), so it gets a token to make its effect idempotent.
 */
export interface Journal {
  /**
   * Answers the recorded result of step `name` of `run`, or runs it and records what it answers (JSON).
   * `retried` tells that the step was started before and its end was never recorded.
   */
  step<T>(run: string, name: string, work: (step: { token: string; retried: boolean }) => Promise<T>): Promise<T>;
  /** Forgets a run that has ended. */
  forget(run: string): Promise<void>;
}
