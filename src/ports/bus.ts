/** Messages that may be lost: wake-ups, live tails, heartbeats. */
export interface Bus {
  publish(topic: string, message: unknown): void;
  /** Returns the way to unsubscribe. */
  subscribe(topic: string, listener: (message: unknown) => void): () => void;
}
