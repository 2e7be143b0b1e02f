import type * as Lambda from "@aws-sdk/client-lambda";
import { defineService } from "../../aws/service.ts";
import { codeSigning } from "./api/code-signing.ts";
import { eventInvokeConfigs } from "./api/event-invoke-configs.ts";
import { eventSourceMappings } from "./api/event-source-mappings.ts";
import { functionUrls } from "./api/function-urls.ts";
import { functions } from "./api/functions.ts";
import { layers } from "./api/layers.ts";
import { invoke } from "./api/invoke.ts";
import { invokeStream } from "./api/invoke-stream.ts";
import { permissions } from "./api/permissions.ts";
import { provisionedConcurrency } from "./api/provisioned-concurrency.ts";
import { runtimeManagement } from "./api/runtime-management.ts";
import { settings } from "./api/settings.ts";
import { versionsAndAliases } from "./api/versions-and-aliases.ts";
import { asyncEvents } from "./async-events.ts";
import { lambdaAlias } from "./resources/alias.ts";
import { lambdaEventInvokeConfig } from "./resources/event-invoke-config.ts";
import { lambdaEventSourceMapping } from "./resources/event-source-mapping.ts";
import { lambdaFunction } from "./resources/function.ts";
import { lambdaLayerVersion, lambdaLayerVersionPermission } from "./resources/layer-version.ts";
import { lambdaPermission } from "./resources/permission.ts";
import { lambdaUrl } from "./resources/url.ts";
import { lambdaVersion } from "./resources/version.ts";
import { codeDownload } from "./routes.ts";
import { functionUrl } from "./url-endpoint.ts";
import { keepProvisioned } from "./provisioned.ts";
import { startLambda, type LambdaState } from "./state.ts";
import { refused } from "./refused-members.ts";

/** Lambda: functions, their versions and aliases, and calls of them. */
export const lambda = defineService<typeof Lambda, LambdaState>({
  name: "lambda",
  operations: {
    ...functions,
    ...versionsAndAliases,
    ...permissions,
    ...settings,
    ...codeSigning,
    ...runtimeManagement,
    ...provisionedConcurrency,
    ...invoke,
    ...invokeStream,
    ...layers,
    ...eventInvokeConfigs,
    ...eventSourceMappings,
    ...functionUrls,
  },
  refuses: refused,
  resources: [
    lambdaFunction,
    lambdaVersion,
    lambdaAlias,
    lambdaUrl,
    lambdaEventInvokeConfig,
    lambdaEventSourceMapping,
    lambdaPermission,
    lambdaLayerVersion,
    lambdaLayerVersionPermission,
  ],
  routes: [codeDownload, functionUrl],
  workers: [asyncEvents],
  periodic: [
    { name: "reap idle environments", everyMs: 30_000, run: (ctx) => ctx.state.invoker.reap() },
    { name: "keep provisioned environments", everyMs: 60_000, run: keepProvisioned },
  ],
  start: startLambda,
  async stop(state) {
    await state.mappings.close();
    await state.invoker.close();
  },
});
