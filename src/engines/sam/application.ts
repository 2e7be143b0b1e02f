import { isObject } from "../yaml/index.ts";
import type { SamContext, SamResource } from "./context.ts";
import { addResource, compact, pick, SamFault, tagList } from "./context.ts";

/** Translates AWS::Serverless::Application with a template's URL: a nested stack. */
export function translateApplication(context: SamContext, resource: SamResource): void {
  const { id, properties: p } = resource;
  if (p.Location === undefined) throw new SamFault(id, "Resource is missing the required [Location] property.");
  if (isObject(p.Location)) {
    throw new SamFault(
      id,
      "Starling has no Serverless Application Repository: give the URL of a template as 'Location'.",
    );
  }
  const tags = [{ Key: "lambda:createdBy", Value: "SAM" }, ...tagList(p.Tags)];
  const properties = compact({
    TemplateURL: p.Location,
    ...pick(p, ["Parameters", "NotificationARNs", "TimeoutInMinutes"]),
    Tags: tags,
  });
  addResource(context, id, "AWS::CloudFormation::Stack", properties, resource.attributes);
}
