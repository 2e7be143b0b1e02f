/** What `$context` holds for one request, nested as its names are: `identity.sourceIp`. */
export type ContextVariables = Record<string, unknown>;

/** The value of a dotted name; undefined where there is none. */
export function contextVariable(context: ContextVariables, name: string): unknown {
  let at: unknown = context;
  for (const part of name.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string, unknown>)[part];
  }
  return at;
}

const text = (value: unknown): string => (typeof value === "object" ? JSON.stringify(value) : String(value as string));

/** Puts values in the place of `$context.…` and `$stageVariables.…`; `absent` stands for what is not there. */
export function fillVariables(
  template: string,
  context: ContextVariables,
  options: { variables?: Readonly<Record<string, string>>; absent: string },
): string {
  return template.replaceAll(
    /\$(context|stageVariables)\.([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)/g,
    (_, kind: string, name: string) => {
      const value = kind === "context" ? contextVariable(context, name) : options.variables?.[name];
      return value === undefined || value === null || value === "" ? options.absent : text(value);
    },
  );
}
