import type { Log } from "../../kernel/log.ts";
import type { Bus } from "../../ports/bus.ts";

/** A bus within this process. A listener that throws is logged and does not keep others from the message. */
export function openLocalBus(options: { log?: Log } = {}): Bus {
  const topics = new Map<string, Set<(message: unknown) => void>>();
  return {
    publish(topic, message) {
      // A copy: a listener may subscribe or leave while it is called.
      for (const listener of new Set(topics.get(topic))) {
        try {
          listener(message);
        } catch (error) {
          options.log?.error("a listener of the bus failed", { topic, error });
        }
      }
    },
    subscribe(topic, listener) {
      // Wrapped, so that one function that subscribes twice is called twice and leaves once.
      const own = (message: unknown): void => listener(message);
      const listeners = topics.get(topic) ?? new Set();
      topics.set(topic, listeners.add(own));
      return () => {
        listeners.delete(own);
        if (listeners.size === 0 && topics.get(topic) === listeners) topics.delete(topic);
      };
    },
  };
}
