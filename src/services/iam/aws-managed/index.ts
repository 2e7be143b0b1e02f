import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ManagedPolicy } from "../model.ts";

/** One entry of `policies.json`. */
interface Entry {
  readonly path?: string;
  readonly statements: readonly object[];
}

/** Managed policies do not change while the platform runs, so they are read once. */
const policies: ReadonlyMap<string, ManagedPolicy> = load();

function load(): Map<string, ManagedPolicy> {
  const entries = JSON.parse(readFileSync(join(import.meta.dirname, "policies.json"), "utf8")) as Record<string, Entry>;
  const created = Date.UTC(2015, 1, 6);
  return new Map(
    Object.entries(entries).map(([name, { path = "/", statements }]) => {
      const arn = `arn:aws:iam::aws:policy${path}${name}`;
      const document = JSON.stringify({ Version: "2012-10-17", Statement: statements });
      const versions = [{ id: "v1", document, created }];
      return [
        arn,
        {
          name,
          id: `ANPA${createHash("sha256").update(name).digest("hex").toUpperCase().slice(0, 17)}`,
          path,
          arn,
          created,
          updated: created,
          defaultVersion: "v1",
          nextVersion: 2,
          versions,
        },
      ];
    }),
  );
}

/** A policy that AWS manages, with its content; `undefined` where Starling does not have it. */
export const awsManagedPolicy = (arn: string): ManagedPolicy | undefined => policies.get(arn);

export const awsManagedPolicies = (): ManagedPolicy[] => [...policies.values()];
