import { findReferences } from "./references.ts";
import type { Template } from "./template.ts";

/** Which resources each resource must wait for. */
export function dependencyGraph(template: Template): Map<string, string[]> {
  const graph = new Map<string, string[]>();
  for (const [id, resource] of Object.entries(template.resources)) {
    const needs = new Set(resource.dependsOn);
    for (const ref of findReferences(resource.properties)) {
      if (ref.kind !== "Condition" && template.resources[ref.name]) needs.add(ref.name);
    }
    graph.set(id, [...needs]);
  }
  return graph;
}

/** The members of a ring, in the order of the graph, or `undefined`. */
export function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  // Take away what waits for nothing until nothing is left, or only rings and what hangs on them.
  const open = new Map([...graph].map(([id, needs]) => [id, new Set(needs.filter((n) => graph.has(n)))]));
  for (let removed = true; removed;) {
    removed = false;
    for (const [id, needs] of open) {
      if ([...needs].some((need) => open.has(need))) continue;
      open.delete(id);
      removed = true;
    }
  }
  if (open.size === 0) return undefined;
  // And from the other end: what nobody in a ring waits for is not part of one.
  for (let removed = true; removed;) {
    removed = false;
    for (const id of open.keys()) {
      if ([...open].some(([other, needs]) => other !== id && needs.has(id))) continue;
      if (open.get(id)?.has(id)) continue;
      open.delete(id);
      removed = true;
    }
  }
  return [...open.keys()];
}

/** Resources in groups that can be created at the same time; delete in the reverse order. */
export function creationOrder(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const left = new Map(graph);
  const order: string[][] = [];
  while (left.size > 0) {
    const ready = [...left].filter(([, needs]) => !needs.some((need) => left.has(need))).map(([id]) => id);
    if (ready.length === 0) throw new Error(`Circular dependency between resources: [${[...left.keys()].join(", ")}]`);
    for (const id of ready) left.delete(id);
    order.push(ready);
  }
  return order;
}
