/**
 * The points of an enumeration that a run tries: all of them with `STARLING_KILLS=all`, the share `3/13` or the points
 * `200..299` where that is said, and else one of `shards` shares, another one each day.
 */
export function pickKills<Point>(points: readonly Point[], shards: number): Point[] {
  const wanted = process.env["STARLING_KILLS"] ?? `${Math.floor(Date.now() / 86_400_000) % shards}/${shards}`;
  if (wanted === "all") return [...points];
  const [from, to] = wanted.split("..").map(Number);
  if (to !== undefined) return points.slice(from, to + 1);
  const [part, of = 1] = wanted.split("/").map(Number);
  return points.filter((_point, i) => i % of === part);
}
