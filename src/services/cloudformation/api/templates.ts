import type * as CloudFormation from "@aws-sdk/client-cloudformation";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { checkTemplate, resourceSchema, transformsOf, type Template } from "../../../engines/cloudformation/index.ts";
import { isObject, type JsonObject } from "../../../engines/yaml/index.ts";
import { onAll, onStack } from "../access.ts";
import { noChangeSet, validation } from "../errors.ts";
import type { Revision, StoredTemplate } from "../model.ts";
import { onStackSet } from "./stack-sets.ts";
import { stackSetOf } from "../stack-sets/store.ts";
import { existingStack, loadTemplate } from "../store.ts";
import { neededCapabilities } from "../template/capabilities.ts";
import { parseTemplate, parseText } from "../template/prepare.ts";
import { templateText } from "../template/source.ts";
import { changeSetOf } from "../change-sets/store.ts";

export const templates = operations<typeof CloudFormation, any>()({
  GetTemplate: {
    permissions: onStack("GetTemplate"),
    async run(ctx, input) {
      const stored = await storedTemplate(ctx, input.StackName, input.ChangeSetName);
      const processed = input.TemplateStage === "Processed" && stored.transforms.length > 0;
      return {
        TemplateBody: processed ? JSON.stringify(stored.processed) : stored.text,
        StagesAvailable: ["Original", "Processed"],
      };
    },
  },
  GetTemplateSummary: {
    permissions: (input, ctx) => (input.StackSetName ? onStackSet : onStack)("GetTemplateSummary")(input, ctx),
    async run(ctx, input) {
      const text = await templateText(ctx, input.TemplateBody, input.TemplateURL);
      if (text !== undefined) return summary(ctx, parseText(text).value);
      if (input.StackSetName) {
        const { value: set } = await stackSetOf(ctx, input.StackSetName);
        return summary(ctx, parseText(set.template).value);
      }
      if (!input.StackName) throw validation("Either Template URL or Template Body must be specified.");
      const { value: stack } = await existingStack(ctx, input.StackName);
      if (!stack.revision) throw validation("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.");
      const { text: stored } = await loadTemplate(ctx, stack.uuid, stack.revision.templateId);
      const { Version = "2010-09-09", ...rest } = await summary(ctx, parseText(stored).value);
      return { ...rest, Version };
    },
  },
  ValidateTemplate: {
    permissions: onAll("ValidateTemplate"),
    async run(ctx, input) {
      const text = await templateText(ctx, input.TemplateBody, input.TemplateURL);
      if (text === undefined) throw validation("Either Template URL or Template Body must be specified.");
      const {
        Parameters = [],
        Metadata: _m,
        ResourceTypes: _r,
        ResourceIdentifierSummaries: _i,
        Version: _v,
        ...rest
      } = await summary(ctx, parseText(text).value);
      return {
        ...rest,
        Parameters: Parameters.map(({ ParameterKey, DefaultValue, NoEcho, Description }) => ({
          ParameterKey,
          NoEcho,
          ...(DefaultValue === undefined ? {} : { DefaultValue }),
          ...(Description === undefined ? {} : { Description }),
        })),
      };
    },
  },
});

async function storedTemplate(
  ctx: Context<any>,
  stackName: string | undefined,
  changeSetName: string | undefined,
): Promise<StoredTemplate> {
  let uuid: string;
  let revision: Revision | undefined;
  if (changeSetName) {
    if (!stackName && !changeSetName.startsWith("arn:")) throw validation("StackName is a required parameter.");
    const { value } = await changeSetOf(ctx, stackName, changeSetName);
    if (!value.revision) throw noChangeSet(changeSetName);
    [uuid, revision] = [value.stack, value.revision];
  } else {
    if (!stackName) throw validation("StackName is required if ChangeSetName is not specified.");
    const { value } = await existingStack(ctx, stackName);
    [uuid, revision] = [value.uuid, value.revision];
    // A stack that is only under review has an empty template.
    if (!revision) return { text: "{}", processed: {}, transforms: [] };
  }
  return loadTemplate(ctx, uuid, revision.templateId);
}

/** What a template asks for and holds. Transforms are not applied, so serverless types are listed as they are. */
async function summary(ctx: Context<any>, value: JsonObject) {
  const transforms = transformsOf(value);
  const template = transforms.length > 0 ? loosely(value) : parseTemplate(ctx, value);
  const { capabilities, reason } = neededCapabilities(template);
  if (transforms.length > 0) capabilities.push("CAPABILITY_AUTO_EXPAND");
  const parameters = Object.entries(template.parameters).map(([ParameterKey, p]) => ({
    ParameterKey,
    ParameterType: p.type,
    NoEcho: p.noEcho,
    ...(p.default === undefined
      ? {}
      : { DefaultValue: Array.isArray(p.default) ? p.default.join(",") : String(p.default) }),
    ...(p.description === undefined ? {} : { Description: p.description }),
    ParameterConstraints: p.allowedValues ? { AllowedValues: [...p.allowedValues] } : {},
  }));
  const because =
    transforms.length > 0 ? `The following transforms require capabilities: [${transforms.join(", ")}]` : reason;
  return {
    Parameters: parameters,
    ...(template.description === undefined ? {} : { Description: template.description }),
    ...(capabilities.length > 0
      ? { Capabilities: capabilities as never[], ...(because ? { CapabilitiesReason: because } : {}) }
      : {}),
    ResourceTypes: [...new Set(Object.values(template.resources).map((r) => r.type))],
    ResourceIdentifierSummaries: identifiers(template),
    ...(typeof value.AWSTemplateFormatVersion === "string" ? { Version: value.AWSTemplateFormatVersion } : {}),
    ...(isObject(value.Metadata ?? null) ? { Metadata: JSON.stringify(value.Metadata) } : {}),
    ...(transforms.length > 0 ? { DeclaredTransforms: transforms } : {}),
  };
}

/** The properties that name each resource when it is imported. */
function identifiers(template: Template) {
  const resources = Object.values(template.resources);
  return [...new Set(resources.map((r) => r.type))].map((ResourceType) => {
    const ResourceIdentifiers = resourceSchema(ResourceType)?.identifier;
    const LogicalResourceIds = resources.filter((r) => r.type === ResourceType).map((r) => r.logicalId);
    return {
      ResourceType,
      LogicalResourceIds,
      ...(ResourceIdentifiers ? { ResourceIdentifiers: [...ResourceIdentifiers] } : {}),
    };
  });
}

/** A template whose transforms have not been applied: only what no transform changes is checked. */
function loosely(value: JsonObject): Template {
  const { Outputs: _outputs, ...rest } = value;
  const { template, diagnostics } = checkTemplate(value);
  if (template) return template;
  const resources = isObject(value.Resources) ? value.Resources : {};
  const plain = Object.fromEntries(
    Object.entries(resources).map(([id, r]) => [
      id.replace(/[^A-Za-z0-9]/g, ""),
      { Type: isObject(r) && typeof r.Type === "string" ? r.Type : "AWS::CloudFormation::WaitConditionHandle" },
    ]),
  );
  const again = checkTemplate({
    ...(rest.Parameters === undefined ? {} : { Parameters: rest.Parameters }),
    Resources: plain,
  });
  if (!again.template) throw validation((again.diagnostics[0] ?? diagnostics[0])!.message);
  return { ...again.template, ...(typeof value.Description === "string" ? { description: value.Description } : {}) };
}
