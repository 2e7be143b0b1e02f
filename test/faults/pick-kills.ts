/**
 * The points of an enumeration that a run tries: all of them with `STARLING_KILLS=all`, the share `3/13` where that is
 * said, and else one of `shards` shares, another one each day.
 */
export function pickKills<Point>(points: readonly Point[], shards: number): Point[] {
  const today = `${Math.floor(Date.now() / 86_400_000) % shards}/${shards}`;
  const [part, of] = (process.env["STARLING_KILLS"] ?? today).split("/").map(Number);
  return of === undefined ? [...points] : points.filter((_point, i) => i % of === part);
}
