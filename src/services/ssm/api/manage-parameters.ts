import type * as Ssm from "@aws-sdk/client-ssm";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { MAX_LABELS } from "../limits.ts";
import { existing, nameOf, notFound, onParameters, parseName, versionNotFound, type Parameter } from "../model.ts";
import { changeEvent } from "../store-events.ts";

type Ctx = Context<any>;

/** Deletes a parameter with all its versions; answers false where there is none. */
export async function removeParameter(ctx: Ctx, name: string): Promise<boolean> {
  const stored = await ctx.records.get<Parameter>("parameter", name);
  if (!stored) return false;
  const versions = await ctx.records.list("version", { prefix: `${name}:` });
  await ctx.records.write(
    ctx.records.remove("parameter", name),
    versions.map((v) => ctx.records.remove("version", v.id)),
    changeEvent(ctx, "Delete", stored.value),
  );
  return true;
}

/** https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html */
const isLabel = (label: string): boolean => /^[A-Za-z_.-][\w.-]{0,99}$/.test(label) && !/^(aws|ssm)/i.test(label);

export const manageParameters = operations<typeof Ssm, any>()({
  DeleteParameter: {
    permissions: onParameters("DeleteParameter"),
    async run(ctx, input) {
      const name = await nameOf(ctx, parseName(input.Name));
      if (!(await removeParameter(ctx, name))) throw notFound(name);
      return {};
    },
  },
  DeleteParameters: {
    permissions: onParameters("DeleteParameters", (input) => input.Names ?? []),
    async run(ctx, input) {
      const DeletedParameters: string[] = [];
      const InvalidParameters: string[] = [];
      for (const name of new Set((input.Names ?? []) as string[]))
        ((await removeParameter(ctx, await nameOf(ctx, parseName(name)))) ? DeletedParameters : InvalidParameters).push(
          name,
        );
      return { DeletedParameters, InvalidParameters };
    },
  },
  LabelParameterVersion: {
    permissions: onParameters("LabelParameterVersion"),
    async run(ctx, input) {
      const name = await nameOf(ctx, parseName(input.Name));
      const { value: head } = await existing(ctx, name);
      const version = Number(input.ParameterVersion ?? head.latest);
      const labels = (input.Labels ?? []) as string[];
      const change = (p: Parameter): Parameter => {
        if (version < p.oldest || version > p.latest) throw versionNotFound(name, version);
        const next = { ...p.labels, ...Object.fromEntries(labels.filter(isLabel).map((label) => [label, version])) };
        if (Object.values(next).filter((v) => v === version).length > MAX_LABELS) {
          throw new AwsError(
            "ParameterVersionLabelLimitExceeded",
            `A parameter version can have maximum ${MAX_LABELS} labels.Move one or more labels to another version and try again.`,
            400,
          );
        }
        return { ...p, labels: next };
      };
      if (
        !(await ctx.records.update<Parameter>(
          "parameter",
          name,
          change,
          ...changeEvent(ctx, "LabelParameterVersion", head),
        ))
      )
        throw notFound(name);
      return { InvalidLabels: labels.filter((label) => !isLabel(label)), ParameterVersion: version };
    },
  },
  UnlabelParameterVersion: {
    permissions: onParameters("UnlabelParameterVersion"),
    async run(ctx, input) {
      const name = await nameOf(ctx, parseName(input.Name));
      const version = Number(input.ParameterVersion);
      const labels = (input.Labels ?? []) as string[];
      const { value: head } = await existing(ctx, name);
      if (version < head.oldest || version > head.latest) throw versionNotFound(name, version);
      const RemovedLabels = labels.filter((label) => head.labels[label] === version);
      const change = (p: Parameter): Parameter => ({
        ...p,
        labels: Object.fromEntries(
          Object.entries(p.labels).filter(([label, v]) => v !== version || !RemovedLabels.includes(label)),
        ),
      });
      if (!(await ctx.records.update<Parameter>("parameter", name, change))) throw notFound(name);
      return { RemovedLabels, InvalidLabels: labels.filter((label) => !RemovedLabels.includes(label)) };
    },
  },
});
