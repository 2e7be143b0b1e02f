import { notImplemented } from "../kernel/aws-error.ts";

/**
 * Members that nothing acts on, by their paths (`Code.SourceKMSKeyArn`; lists are passed through, `*` is any key of a map),
 * each with the values that ask for nothing. Nothing, `false` and what is empty never ask for anything.
 */
export type Refused = Readonly<Record<string, readonly (string | number)[]>>;

/** The paths of `refused` by which a value asks for something. */
export function refusedIn(refused: Refused, value: unknown): string[] {
  return Object.entries(refused)
    .filter(([path, harmless]) => asksFor(value, path.split("."), harmless))
    .map(([path]) => path);
}

/** Refuses a call that asks for what nothing here does: success would be told for work that was not done. */
export function refuseMembers(operation: string, refused: Refused | undefined, input: object): void {
  if (!refused) return;
  const names = refusedIn(refused, input);
  if (names.length > 0) throw notImplemented(`${names.join(", ")} of ${operation}`);
}

function asksFor(value: unknown, path: readonly string[], harmless: readonly (string | number)[]): boolean {
  if (Array.isArray(value)) return value.some((one) => asksFor(one, path, harmless));
  if (value === undefined || value === null) return false;
  const [name, ...rest] = path;
  if (name === "*") return Object.values(value).some((one) => asksFor(one, rest, harmless));
  // Members are looked up in structures alone, so a cast of what is an object is enough.
  if (name !== undefined) return typeof value === "object" && asksFor((value as any)[name], rest, harmless);
  if (typeof value === "object") return value instanceof Date || Object.keys(value).length > 0;
  return value !== "" && String(value) !== "false" && !harmless.some((one) => String(one) === String(value));
}
