/** Variables by namespace: `{BuildVariables: {VERSION: "1"}, codepipeline: {PipelineExecutionId: "..."}}`. */
export type VariableScope = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Texts with variables put in, or the first one that has no value. */
export type ResolvedConfiguration =
  | { readonly values: Readonly<Record<string, string>>; readonly unknown?: undefined }
  | { readonly values?: undefined; readonly unknown: string };

const VARIABLE = /#\{([A-Za-z0-9@\-_]+)\.([A-Za-z0-9@\-_]+)\}/g;

/** Puts values in place of `#{namespace.name}` in an action's configuration. Values are not searched again. */
export function resolveVariables(
  configuration: Readonly<Record<string, string>>,
  scope: VariableScope,
): ResolvedConfiguration {
  const values: Record<string, string> = {};
  let unknown: string | undefined;
  for (const [key, text] of Object.entries(configuration)) {
    values[key] = text.replace(VARIABLE, (whole, namespace: string, name: string) => {
      const members = Object.hasOwn(scope, namespace) ? scope[namespace] : undefined;
      const value = members && Object.hasOwn(members, name) ? members[name] : undefined;
      if (value === undefined) unknown ??= whole;
      return value ?? whole;
    });
  }
  return unknown === undefined ? { values } : { unknown };
}
