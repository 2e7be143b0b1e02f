import type * as CloudWatch from "@aws-sdk/client-cloudwatch";
import { AwsError } from "../../kernel/aws-error.ts";

/** A composite alarm's rule, made ready. */
export interface CompositeRule {
  /** Names of the alarms that it asks, without double ones. */
  readonly children: readonly string[];
  holds(stateOf: (name: string) => CloudWatch.StateValue | undefined): boolean;
}

type Test = (stateOf: (name: string) => CloudWatch.StateValue | undefined) => boolean;

const MAX_LENGTH = 10_240;
const MAX_CHILDREN = 100;
const MAX_DEPTH = 50;
const TOKEN =
  /\s*(?:(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]+)"|'([^']+)'|([^\s)"']+))\s*\)|(AND|OR|NOT|TRUE|FALSE)\b|([()]))/y;

/** Reads a rule such as `ALARM("a") AND NOT OK(b)`. */
export function parseCompositeRule(text: string): CompositeRule {
  const wrong = (): AwsError =>
    new AwsError("ValidationError", `AlarmRule must not contain invalid syntax: ${text.slice(0, 200)}`, 400);
  if (text.length > MAX_LENGTH) throw wrong();
  const tokens: (string | { state: CloudWatch.StateValue; name: string })[] = [];
  const pattern = new RegExp(TOKEN);
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const match = pattern.exec(text);
    if (!match) throw wrong();
    const [, state, quoted, single, plain, word, sign] = match;
    if (state) {
      const given = quoted ?? single ?? plain ?? "";
      tokens.push({ state: state as CloudWatch.StateValue, name: /:alarm:(.+)$/.exec(given)?.[1] ?? given });
    } else tokens.push(word ?? sign ?? "");
  }
  const children = [...new Set(tokens.flatMap((t) => (typeof t === "string" ? [] : [t.name])))];
  if (children.length > MAX_CHILDREN) throw wrong();
  let at = 0;
  const take = (word: string): boolean => tokens[at] === word && ++at > 0;
  const either = (depth: number): Test => {
    const parts = [both(depth)];
    while (take("OR")) parts.push(both(depth));
    return (stateOf) => parts.some((part) => part(stateOf));
  };
  const both = (depth: number): Test => {
    const parts = [single(depth)];
    while (take("AND")) parts.push(single(depth));
    return (stateOf) => parts.every((part) => part(stateOf));
  };
  const single = (depth: number): Test => {
    if (depth > MAX_DEPTH) throw wrong();
    if (take("NOT")) {
      const inner = single(depth + 1);
      return (stateOf) => !inner(stateOf);
    }
    if (take("(")) {
      const inner = either(depth + 1);
      if (!take(")")) throw wrong();
      return inner;
    }
    const token = tokens[at++];
    if (token === "TRUE" || token === "FALSE") return () => token === "TRUE";
    if (token === undefined || typeof token === "string") throw wrong();
    return (stateOf) => stateOf(token.name) === token.state;
  };
  const holds = either(0);
  if (at !== tokens.length) throw wrong();
  return { children, holds };
}
