import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";

/** A zip with one file, the same bytes for the same text. */
export async function zipOf(name: string, text: string): Promise<Buffer> {
  const zip = new ZipFile();
  zip.addBuffer(Buffer.from(text), name, { mtime: new Date(Date.UTC(2000, 0, 1)), mode: 0o100644 });
  zip.end();
  return buffer(zip.outputStream);
}
