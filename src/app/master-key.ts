import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The master key of an installation, made at the first start (0600). It seals access keys, tokens and parameters. */
export function masterKey(data: string): Buffer {
  const folder = join(data, "keys");
  const file = join(folder, "master");
  if (existsSync(file)) {
    const key = readFileSync(file);
    if (key.length !== 32)
      throw new Error(`${file} must hold 32 bytes, but holds ${key.length}: restore it from a backup`);
    return key;
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, randomBytes(32), { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
  return readFileSync(file);
}
