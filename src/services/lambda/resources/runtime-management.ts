import type { ResourceContext } from "../../../aws/service.ts";

/** `RuntimeManagementConfig` of a function, `RuntimePolicy` of a version. */
export interface RuntimePolicy {
  readonly UpdateRuntimeOn?: string;
  readonly RuntimeVersionArn?: string;
}

/** Says when the runtime of a function or a version is replaced, where the template says or said it. */
export async function setRuntimeManagement(
  ctx: ResourceContext,
  target: { readonly FunctionName: string; readonly Qualifier?: string },
  next: RuntimePolicy | undefined,
  previous: RuntimePolicy | undefined,
): Promise<void> {
  if (JSON.stringify(next) === JSON.stringify(previous)) return;
  const { UpdateRuntimeOn = "Auto", RuntimeVersionArn } = next ?? {};
  await ctx.call("lambda", "PutRuntimeManagementConfig", {
    ...target,
    UpdateRuntimeOn: UpdateRuntimeOn as "Auto",
    ...(RuntimeVersionArn === undefined ? {} : { RuntimeVersionArn }),
  });
}
