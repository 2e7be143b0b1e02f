import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";

/** A zip of the files, by name; `{ mode }` for what must be executable. */
export async function zip(files: Record<string, string | { text: string; mode: number }>): Promise<Buffer> {
  const file = new ZipFile();
  for (const [name, content] of Object.entries(files)) {
    const { text, mode } = typeof content === "string" ? { text: content, mode: 0o100644 } : content;
    file.addBuffer(Buffer.from(text), name, { mode });
  }
  file.end();
  return buffer(file.outputStream);
}
