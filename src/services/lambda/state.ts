import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Platform } from "../../aws/platform.ts";
import type { ServiceCaller } from "../../aws/service.ts";
import { CodeStore } from "../../compute/lambda/code-store.ts";
import type { FunctionVersion } from "../../compute/lambda/function-version.ts";
import { Invoker } from "../../compute/lambda/invoker.ts";
import { codeOf, messageOf } from "../../kernel/aws-error.ts";
import type { LogEvent, MetricMeter } from "../../ports/telemetry.ts";
import { DeliveredLogs } from "./delivered-logs.ts";
import type { Loads } from "./function-meter.ts";
import { MappingPollers } from "./event-sources/pollers.ts";
import type { FunctionRecord, PolicyRecord } from "./model.ts";
import { restoreProvisioned, type KeptSince } from "./provisioned.ts";
import type { Runnable } from "./run-function.ts";
import { ThrottledEvents } from "./throttled-events.ts";

/** What the service holds while the platform runs. */
export interface LambdaState {
  readonly invoker: Invoker;
  readonly code: CodeStore;
  /** What reads the sources of event source mappings. */
  readonly mappings: MappingPollers;
  /** What the invoker is given for a record: records are read once and shared while nothing is written. */
  readonly versions: WeakMap<FunctionRecord, FunctionVersion>;
  /** And what else each of its calls needs. */
  readonly runnables: WeakMap<FunctionRecord, Runnable>;
  /** Since when environments are kept ready for what has provisioned concurrency, by its ARN. */
  readonly kept: Map<string, KeptSince>;
  /** Makes contexts for accounts and regions other than that of a call. */
  readonly caller: ServiceCaller;
  /** Calls that are under way, by account, region and function. */
  readonly loads: Loads;
  /** Meters of what happens beside the calls, by metric, account, region and what was called. */
  readonly counters: Map<string, readonly MetricMeter[]>;
  /** Asynchronous events that wait for concurrency. */
  readonly throttledEvents: ThrottledEvents;
  /** Texts of resource policies, by their records. */
  readonly policyTexts: WeakMap<PolicyRecord, string>;
}

const CREDENTIAL_SECONDS = 12 * 3600;

export async function startLambda(platform: Platform, caller: ServiceCaller): Promise<LambdaState> {
  const { settings, sandboxes, clock, ids, log, blobs, identity } = platform;
  const code = new CodeStore(join(settings.data, "functions"), ids);
  await code.sweep();
  const logs = new DeliveredLogs(caller);
  const invoker = new Invoker({
    sandboxes,
    clock,
    ids,
    log,
    code: settings.code,
    run: settings.run,
    pythonMinor: await hostPythonMinor(),
    poolSize: settings.poolSize,
    async folders(version) {
      const unpack = (digest: string): Promise<string> => code.unpacked(digest, blobs.file(digest));
      const [main, ...layers] = await Promise.all([version.codeDigest, ...version.layerDigests].map(unpack));
      return { code: main!, layers: layers.length ? await code.merged(layers) : undefined };
    },
    async credentials(version) {
      const { accessKeyId, secretAccessKey, sessionToken } = await identity.assumeRoleFor(
        "lambda.amazonaws.com",
        version.roleArn,
        {
          // A session's name has two characters at least.
          sessionName: version.name.length < 2 ? `${version.name}@lambda_function` : version.name,
          durationSeconds: CREDENTIAL_SECONDS,
        },
      );
      return {
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
      };
    },
    deliverLogs(version: FunctionVersion, stream: string, events: LogEvent[]) {
      logs.deliver(version, stream, events).catch((error: unknown) => {
        if (codeOf(error) !== "AccessDeniedException")
          log.warn("a function's log lines could not be stored", { function: version.arn, error: messageOf(error) });
      });
    },
  });
  const mappings = new MappingPollers(platform, caller);
  void restoreProvisioned(platform, caller);
  return {
    invoker,
    code,
    mappings,
    caller,
    kept: new Map(),
    loads: new Map(),
    versions: new WeakMap(),
    runnables: new WeakMap(),
    counters: new Map(),
    throttledEvents: new ThrottledEvents(),
    policyTexts: new WeakMap(),
  };
}

async function hostPythonMinor(): Promise<number> {
  const { stdout } = await promisify(execFile)("/usr/bin/python3", [
    "-c",
    "import sys; print(sys.version_info[1])",
  ]).catch(() => ({ stdout: "0" }));
  return Number(stdout.trim());
}
