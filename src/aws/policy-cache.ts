import { createHash } from "node:crypto";
import { compilePolicy, type CompiledPolicy } from "../engines/policy/index.ts";

const MAX_COMPILED = 5_000;
const MAX_ALLOWED = 20_000;
/** Longer documents are known by their digest: making it costs more than finding the text. */
const MAX_KEY = 2_048;

/** Condition keys that follow from who calls, and from nothing else of the request. */
export const OF_CALLER: ReadonlySet<string> = new Set([
  "aws:principalaccount",
  "aws:principalarn",
  "aws:principalisawsservice",
  "aws:principalservicename",
  "aws:principaltype",
  "aws:sourceaccount",
  "aws:sourcearn",
  "aws:userid",
  "aws:username",
]);

/** A compiled document. */
export interface KnownPolicy {
  readonly policy: CompiledPolicy;
  /** No other document ever has it. */
  readonly id: number;
  /** Condition keys, in lower case, that it asks for beyond caller, action and resource: the time, the address or the like. */
  readonly asks: readonly string[];
}

/**
 * Compiled policy documents by their texts, and what was decided by them. A decision is kept under all that it was made
 * of, the documents included: where one of them is changed it is simply not found any more.
 */
export class PolicyCache {
  readonly #known = { identity: new Map<string, KnownPolicy>(), resource: new Map<string, KnownPolicy>() };
  readonly #allowed = new Set<string>();
  #nextId = 0;

  /** A document, compiled once; the oldest go first where there are too many. */
  compiled(document: string, kind: "identity" | "resource"): KnownPolicy {
    const documents = this.#known[kind];
    const key = document.length < MAX_KEY ? document : createHash("sha1").update(document).digest("base64");
    let known = documents.get(key);
    if (!known) {
      const policy = compilePolicy(document, kind);
      const asks = [...policy.contextKeys].filter((name) => !OF_CALLER.has(name));
      known = { policy, id: this.#nextId++, asks };
      if (documents.size >= MAX_COMPILED) documents.delete(documents.keys().next().value as string);
      documents.set(key, known);
    }
    return known;
  }

  isAllowed(decision: string): boolean {
    return this.#allowed.has(decision);
  }

  allow(decision: string): void {
    if (this.#allowed.size >= MAX_ALLOWED) this.#allowed.clear();
    this.#allowed.add(decision);
  }
}
