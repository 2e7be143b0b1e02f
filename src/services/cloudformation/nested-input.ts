import type { Properties } from "../../aws/service.ts";
import type { Stack } from "./model.ts";

/** What a nested stack is asked for by the properties of its resource. */
export function nestedInput(
  stackTags: Readonly<Record<string, string>>,
  above: Stack,
  StackName: string,
  properties: Properties,
) {
  const own: { Key: string; Value: string }[] = properties["Tags"] ?? [];
  const inherited = Object.entries(stackTags).filter(([key]) => !own.some((t) => t.Key === key));
  return {
    StackName,
    TemplateURL: properties["TemplateURL"] as string | undefined,
    TemplateBody: properties["TemplateBody"] as string | undefined,
    Parameters: Object.entries(properties["Parameters"] ?? {}).map(([ParameterKey, value]) => ({
      ParameterKey,
      ParameterValue: Array.isArray(value) ? value.join(",") : String(value),
    })),
    Capabilities: [...(above.revision?.capabilities ?? [])],
    NotificationARNs: properties["NotificationARNs"] as string[] | undefined,
    Tags: [...own, ...inherited.map(([Key, Value]) => ({ Key, Value }))],
  };
}
