import type { MethodSetting } from "./model.ts";

/** What a setting is where nothing is said of it. */
export const DEFAULT_SETTING: MethodSetting = {
  metricsEnabled: false,
  dataTraceEnabled: false,
  throttlingBurstLimit: 5000,
  throttlingRateLimit: 10_000,
  cachingEnabled: false,
  cacheTtlInSeconds: 300,
  cacheDataEncrypted: false,
  requireAuthorizationForCacheControl: true,
  unauthorizedCacheControlHeaderStrategy: "SUCCEED_WITH_RESPONSE_HEADER",
};

/** The settings of a method of a stage: its own, else those for all methods. */
export function settingOf(
  settings: Readonly<Record<string, MethodSetting>> | undefined,
  path: string,
  method: string,
): MethodSetting | undefined {
  if (!settings) return undefined;
  const names = [`${path.slice(1)}/${method}`, `${path.slice(1)}/*`, `*/${method}`, "*/*"];
  for (const name of names) if (Object.hasOwn(settings, name)) return settings[name];
  return undefined;
}
