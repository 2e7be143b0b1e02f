import type * as Events from "@aws-sdk/client-eventbridge";
import type { Context } from "../../../aws/context.ts";
import { operations } from "../../../aws/service.ts";
import { compileEventPattern } from "../../../engines/event-pattern/index.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { existingBus } from "../access.ts";
import { ARCHIVE_STATES, archiveArn, exists, noArchive, type Archive } from "../archive-model.ts";
import { removeArchived, sizeOf } from "../archiving.ts";
import { MAX_ARCHIVES } from "../limits.ts";
import { busArn, busName, invalid, overLimit } from "../model.ts";
import { pageOf } from "../page.ts";

const on = (action: string) => (input: { ArchiveName?: string | undefined }, ctx: Context<any>) => [
  { action: `events:${action}`, resource: archiveArn(ctx, input.ArchiveName ?? "*") },
];

const optional = <Name extends string>(name: Name, value: string | undefined): { [K in Name]?: string } =>
  (value === undefined ? {} : { [name]: value }) as { [K in Name]?: string };

export const archives = operations<typeof Events, any>()({
  CreateArchive: {
    permissions: (input, ctx) => [
      ...on("CreateArchive")(input, ctx),
      { action: "events:CreateArchive", resource: busArn(ctx, busName(input.EventSourceArn)) },
    ],
    async run(ctx, input) {
      const name = String(input.ArchiveName);
      const bus = busName(input.EventSourceArn);
      await existingBus(ctx, bus);
      checkPattern(input.EventPattern);
      if ((await ctx.records.count("archive")) >= MAX_ARCHIVES)
        throw overLimit("The requested resource exceeds the maximum number allowed.");
      const archive: Archive = {
        name,
        bus,
        created: ctx.now(),
        retentionDays: input.RetentionDays ?? 0,
        ...optional("description", input.Description),
        ...optional("pattern", input.EventPattern),
      };
      if (!(await ctx.records.create("archive", name, archive))) throw exists(`Archive ${name}`);
      return { ArchiveArn: archiveArn(ctx, name), State: "ENABLED" as const, CreationTime: new Date(archive.created) };
    },
  },
  DescribeArchive: {
    permissions: on("DescribeArchive"),
    async run(ctx, input) {
      const archive = await existing(ctx, String(input.ArchiveName));
      return {
        ArchiveArn: archiveArn(ctx, archive.name),
        ...(await view(ctx, archive)),
        ...optional("Description", archive.description),
        ...optional("EventPattern", archive.pattern),
      };
    },
  },
  ListArchives: {
    permissions: (_input, ctx) => on("ListArchives")({}, ctx),
    async run(ctx, input) {
      const filters = [input.NamePrefix, input.EventSourceArn, input.State].filter((f) => f !== undefined);
      if (filters.length > 1)
        throw invalid(
          "At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix.",
        );
      if (input.State && !ARCHIVE_STATES.includes(input.State)) throw invalidState(input.State, ARCHIVE_STATES);
      const bus = input.EventSourceArn ? busName(input.EventSourceArn) : undefined;
      if (bus) await existingBus(ctx, bus);
      const stored = await ctx.records.list<Archive>("archive", input.NamePrefix ? { prefix: input.NamePrefix } : {});
      const found = stored.filter((a) => (!bus || a.value.bus === bus) && (!input.State || input.State === "ENABLED"));
      const { items, next } = pageOf(found, input);
      return { Archives: await Promise.all(items.map((a) => view(ctx, a.value))), ...next };
    },
  },
  UpdateArchive: {
    permissions: on("UpdateArchive"),
    async run(ctx, input) {
      const name = String(input.ArchiveName);
      if (input.EventPattern === undefined && input.RetentionDays === undefined && input.Description === undefined)
        throw invalid("At least one of EventPattern, RetentionDays or Description must be provided.");
      checkPattern(input.EventPattern);
      const change = (archive: Archive): Archive => ({
        ...archive,
        retentionDays: input.RetentionDays ?? archive.retentionDays,
        ...optional("description", input.Description),
        ...optional("pattern", input.EventPattern),
      });
      const archive = await ctx.records.update<Archive>("archive", name, change);
      if (!archive) throw noArchive(name);
      return { ArchiveArn: archiveArn(ctx, name), State: "ENABLED" as const, CreationTime: new Date(archive.created) };
    },
  },
  DeleteArchive: {
    permissions: on("DeleteArchive"),
    async run(ctx, input) {
      const { name } = await existing(ctx, String(input.ArchiveName));
      await ctx.records.write(ctx.records.remove("archive", name));
      await removeArchived(ctx, name);
      return {};
    },
  },
});

/** EventBridge's refusal of a state that a list cannot be filtered by. */
export function invalidState(state: string, known: readonly string[]): AwsError {
  return invalid(
    `1 validation error detected: Value '${state}' at 'state' failed to satisfy constraint: Member must satisfy enum value set: [${known.join(", ")}]`,
  );
}

function checkPattern(pattern: string | undefined): void {
  if (pattern) compileEventPattern(pattern);
}

async function existing(ctx: Context<any>, name: string): Promise<Archive> {
  const stored = await ctx.records.get<Archive>("archive", name);
  if (!stored) throw noArchive(name);
  return stored.value;
}

async function view(ctx: Context<any>, archive: Archive) {
  const { count, bytes } = await sizeOf(ctx, archive.name);
  return {
    ArchiveName: archive.name,
    EventSourceArn: busArn(ctx, archive.bus),
    State: "ENABLED" as const,
    RetentionDays: archive.retentionDays,
    SizeBytes: bytes,
    EventCount: count,
    CreationTime: new Date(archive.created),
  };
}
