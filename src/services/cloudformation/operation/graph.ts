/** How a run over a graph ended. */
export interface GraphResult {
  readonly failed: ReadonlySet<string>;
  /** Not started, because something failed before it. */
  readonly skipped: ReadonlySet<string>;
}

/**
 * Works on the nodes of a graph, each as soon as all that it needs is done, at most `limit` at once. `work` answers
 * whether it succeeded. After a failure nothing new is started, or with `goOn` only what does not need what failed.
 */
export async function runGraph(
  needs: ReadonlyMap<string, readonly string[]>,
  work: (id: string) => Promise<boolean>,
  { limit, goOn = false }: { limit: number; goOn?: boolean },
): Promise<GraphResult> {
  const open = new Set(needs.keys());
  const done = new Set<string>();
  const failed = new Set<string>();
  const running = new Map<string, Promise<void>>();
  let broken: { error: unknown } | undefined;
  const start = (id: string): void => {
    open.delete(id);
    const settle = work(id).then(
      (ok) => void (ok ? done : failed).add(id),
      (error: unknown) => void (broken ??= { error }),
    );
    running.set(
      id,
      settle.then(() => void running.delete(id)),
    );
  };
  for (;;) {
    const may = !broken && (goOn || failed.size === 0);
    if (may) {
      for (const id of open) {
        if (running.size >= limit) break;
        const ready = (needs.get(id) ?? []).every((need) => need === id || done.has(need) || !needs.has(need));
        if (ready) start(id);
      }
    }
    if (running.size === 0) break;
    await Promise.race(running.values());
  }
  if (broken) throw broken.error;
  return { failed, skipped: open };
}

/** The same graph with every edge turned round: what needs a node comes before it. */
export function reversed(graph: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const result = new Map<string, string[]>([...graph.keys()].map((id) => [id, []]));
  for (const [id, needs] of graph) for (const need of needs) if (need !== id) result.get(need)?.push(id);
  return result;
}
