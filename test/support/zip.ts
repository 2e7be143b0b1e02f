import { buffer, text as textOf } from "node:stream/consumers";
import yauzl from "yauzl";
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

/** The files of a zip, by name. */
export function unzipped(content: Buffer): Promise<Record<string, string>> {
  return new Promise((resolve, reject) => {
    const files: Record<string, string> = {};
    yauzl.fromBuffer(content, { lazyEntries: true }, (error, file) => {
      if (error) return reject(error);
      file
        .on("error", reject)
        .on("end", () => resolve(files))
        .on("entry", (entry: yauzl.Entry) => {
          file.openReadStream(entry, async (failed, stream) => {
            if (failed) return reject(failed);
            files[entry.fileName] = await textOf(stream);
            file.readEntry();
          });
        });
      file.readEntry();
    });
  });
}
