import type { JsonObject, JsonValue } from "../yaml/index.ts";
import { isObject } from "../yaml/index.ts";
import { combine } from "./api-routes.ts";
import type { SamContext, SamResource } from "./context.ts";
import {
  addResource,
  compact,
  getAtt,
  isIntrinsic,
  pick,
  ref,
  resolveParameters,
  resolveRefs,
  SamFault,
  tagList,
} from "./context.ts";

const APPLICATION = "ServerlessDeploymentApplication";
const ROLE = "CodeDeployServiceRole";

/** Makes the function's alias shift traffic by CodeDeploy, as DeploymentPreference asks. */
export function addDeploymentPreference(context: SamContext, resource: SamResource, alias: string | undefined): void {
  const { id, properties: p } = resource;
  if (p.DeploymentPreference === undefined) return;
  const resolved = resolveRefs(context, p.DeploymentPreference);
  if (!isObject(resolved)) throw new SamFault(id, "'DeploymentPreference' should be a map.");
  const preference: JsonObject = {
    ...resolved,
    ...compact({ Type: resolveParameters(context, resolved.Type ?? null) }),
  };
  const enabled = preference.Enabled ?? true;
  if (enabled === false || enabled === "false" || enabled === "False") return;
  if (!alias) throw new SamFault(id, "'DeploymentPreference' requires AutoPublishAlias property to be specified.");
  if (preference.Type === undefined) {
    throw new SamFault(id, "'DeploymentPreference' is missing required Property 'Type'");
  }
  checkAlarms(id, preference.Alarms);
  checkPassthrough(id, preference.PassthroughCondition);
  const groupId = `${id}DeploymentGroup`;
  const hooks = isObject(preference.Hooks) ? preference.Hooks : {};
  const made = context.resources[alias] as JsonObject;
  made.UpdatePolicy = {
    CodeDeployLambdaAliasUpdate: compact({
      ApplicationName: ref(APPLICATION),
      DeploymentGroupName: ref(groupId),
      BeforeAllowTrafficHook: hooks.PreTraffic,
      AfterAllowTrafficHook: hooks.PostTraffic,
    }),
  };
  const tags = p.PropagateTags === true ? tagList(p.Tags) : [];
  const handed: JsonObject = tags.length > 0 ? { PropagatedTags: tags } : {};
  context.deployments.set(groupId, { ...preference, ...handed, ...passed(preference, resource) });
}

function checkAlarms(id: string, alarms: JsonValue | undefined): void {
  if (alarms === undefined || alarms === null || Array.isArray(alarms) || isIntrinsic(alarms)) return;
  throw new SamFault(id, "Alarms must be a list");
}

function checkPassthrough(id: string, value: JsonValue | undefined): void {
  if (isObject(value)) {
    throw new SamFault(
      id,
      "Unsupported intrinsic: the only intrinsic functions supported for property PassthroughCondition are FindInMap and parameter Refs.",
    );
  }
  if (value !== undefined && !/^(true|false)$/i.test(String(value)))
    throw new SamFault(id, "Invalid value for property PassthroughCondition.");
}

/** The function's Condition goes to the deployment resources where PassthroughCondition says so. */
function passed(preference: JsonObject, resource: SamResource): JsonObject {
  const wanted = preference.PassthroughCondition === true || preference.PassthroughCondition === "true";
  return compact({ FunctionCondition: wanted ? resource.attributes.Condition : undefined });
}

/** Adds the CodeDeploy application, groups and role that the functions together need. */
export function addDeploymentResources(context: SamContext): void {
  if (context.deployments.size === 0) return;
  const all = [...context.deployments.values()];
  const conditions = all.map((preference) => preference.FunctionCondition);
  const shared = conditionFor(context, conditions);
  const application = compact({
    ComputePlatform: "Lambda",
    Tags: all.find((one) => one.PropagatedTags !== undefined)?.PropagatedTags,
  });
  addResource(context, APPLICATION, "AWS::CodeDeploy::Application", application, shared);
  const roleless = all.filter((preference) => preference.Role === undefined);
  if (roleless.length > 0) {
    const policy = "service-role/AWSCodeDeployRoleForLambda";
    addResource(
      context,
      ROLE,
      "AWS::IAM::Role",
      {
        AssumeRolePolicyDocument: {
          Version: "2012-10-17",
          Statement: [
            { Action: ["sts:AssumeRole"], Effect: "Allow", Principal: { Service: ["codedeploy.amazonaws.com"] } },
          ],
        },
        ManagedPolicyArns: [`arn:${context.partition}:iam::aws:policy/${policy}`],
      },
      shared,
    );
  }
  for (const [groupId, preference] of context.deployments) {
    const condition = preference.FunctionCondition;
    addResource(
      context,
      groupId,
      "AWS::CodeDeploy::DeploymentGroup",
      groupProperties(preference),
      condition ? { Condition: condition } : {},
    );
  }
}

/** What the functions share is there where any of their conditions holds; always, where one of them has none. */
function conditionFor(context: SamContext, conditions: readonly (JsonValue | undefined)[]): JsonObject {
  const names = conditions.map((one) => (typeof one === "string" ? one : undefined));
  const condition = combine(context, names, "ServerlessCodeDeployCondition");
  return condition === undefined ? {} : { Condition: condition };
}

function groupProperties(preference: JsonObject): JsonObject {
  const alarms = preference.Alarms;
  return compact({
    ApplicationName: ref(APPLICATION),
    AlarmConfiguration: alarms === undefined ? undefined : alarmConfiguration(alarms),
    AutoRollbackConfiguration: {
      Enabled: true,
      Events: ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
    },
    DeploymentConfigName: configName(preference.Type ?? ""),
    DeploymentStyle: { DeploymentType: "BLUE_GREEN", DeploymentOption: "WITH_TRAFFIC_CONTROL" },
    ServiceRoleArn: preference.Role ?? getAtt(ROLE, "Arn"),
    Tags: preference.PropagatedTags,
    ...pick(preference, ["TriggerConfigurations"]),
  });
}

function alarmConfiguration(alarms: JsonValue): JsonValue {
  const wrap = (list: JsonValue): JsonValue =>
    Array.isArray(list) ? { Enabled: true, Alarms: list.map((Name) => ({ Name })) } : list;
  if (isObject(alarms) && Array.isArray(alarms["Fn::If"])) {
    const [condition, ...branches] = alarms["Fn::If"];
    return { "Fn::If": [condition ?? "", ...branches.map(wrap)] };
  }
  return wrap(alarms);
}

const PRESETS = /^(AllAtOnce|Canary10Percent(5|10|15|30)Minutes|Linear10PercentEvery(1|2|3|10)Minutes?)$/;

function configName(type: JsonValue): JsonValue {
  if (isObject(type) && Array.isArray(type["Fn::If"])) {
    const [condition, ...branches] = type["Fn::If"];
    return { "Fn::If": [condition ?? "", ...branches.map(configName)] };
  }
  if (isObject(type) && typeof type["Fn::Sub"] === "string" && PRESETS.test(type["Fn::Sub"])) {
    return configName(type["Fn::Sub"]);
  }
  if (isIntrinsic(type) || typeof type !== "string" || !PRESETS.test(type)) return type;
  return { "Fn::Sub": ["CodeDeployDefault.Lambda${ConfigName}", { ConfigName: type }] };
}
