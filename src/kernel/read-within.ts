/** All of a stream. Throws what `tooLong` makes, and reads no further, where it has more than `maxBytes`. */
export async function readWithin(
  source: AsyncIterable<unknown> | Iterable<unknown>,
  maxBytes: number,
  tooLong: () => Error,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
