import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createChecksum, type ChecksumAlgorithm } from "../../aws/checksums.ts";
import { combinedCrc } from "./combined-crc.ts";

const digest = (algorithm: ChecksumAlgorithm, bytes: Uint8Array): string => {
  const checksum = createChecksum(algorithm);
  checksum.update(bytes);
  return checksum.digest();
};

test("a checksum of parts is that of the whole", () => {
  const bytes = createHash("shake256", { outputLength: 100_003 }).update("any bytes").digest();
  for (const algorithm of ["crc32", "crc32c", "crc64nvme"] as const) {
    for (const cuts of [[], [0], [1], [50_000], [10, 10, 99_999], [5000, 10_000, 15_000, 100_003]]) {
      const edges = [0, ...cuts, bytes.length];
      const parts = edges.slice(1).map((end, i) => {
        const part = bytes.subarray(edges[i], end);
        return { crc: digest(algorithm, part), size: part.length };
      });
      assert.equal(combinedCrc(algorithm, parts), digest(algorithm, bytes), `${algorithm} ${cuts.join()}`);
    }
  }
  assert.equal(combinedCrc("sha256", []), undefined);
});
