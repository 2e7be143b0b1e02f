import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import type { KeyUse } from "../../../aws/identity.ts";
import { operations } from "../../../aws/service.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { MFA_DEVICE, type MfaDevice } from "../mfa.ts";
import { entityArn, ROOT_USER, type AccessKey, type User } from "../model.ts";
import type { PasswordPolicy } from "../password.ts";
import { onAll } from "../store.ts";
import { rememberUses } from "./access-keys.ts";
import { storedPasswordPolicy } from "./login-profiles.ts";
import { SIGNING_CERTIFICATE, type SigningCertificate } from "./signing-certificates.ts";

/** How long a report is answered again: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html */
const FRESH_MS = 4 * 3_600_000;
const DAY_MS = 86_400_000;
const NONE = "N/A";
const SLOTS = [0, 1] as const;

const PASSWORD_OF_ROOT = ["not_supported", "no_information", "not_supported", "not_supported"];

const COLUMNS = [
  ..."user arn user_creation_time password_enabled password_last_used password_last_changed".split(" "),
  ..."password_next_rotation mfa_active".split(" "),
  ...SLOTS.flatMap((i) =>
    "active last_rotated last_used_date last_used_region last_used_service"
      .split(" ")
      .map((fact) => `access_key_${i + 1}_${fact}`),
  ),
  ...SLOTS.flatMap((i) => ["active", "last_rotated"].map((fact) => `cert_${i + 1}_${fact}`)),
];

interface Report {
  readonly at: number;
  readonly content: string;
}

/** All that the rows are made of, read once. */
interface Facts {
  readonly keys: readonly AccessKey[];
  readonly uses: ReadonlyMap<string, KeyUse>;
  readonly devices: readonly MfaDevice[];
  readonly certificates: readonly SigningCertificate[];
  readonly policy: PasswordPolicy | undefined;
}

const time = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+00:00`;

async function all<T>(ctx: Context<any>, kind: string): Promise<T[]> {
  return (await ctx.globalRecords.list<T>(kind)).map((stored) => stored.value);
}

/** Names may have commas, which are not to make columns. */
const quoted = (text: string): string => (text.includes(",") ? `"${text}"` : text);

async function makeReport(ctx: Context<any>): Promise<string> {
  await rememberUses(ctx);
  const uses = await ctx.globalRecords.list<KeyUse>("access-key-use");
  const facts: Facts = {
    keys: await all<AccessKey>(ctx, "access-key"),
    uses: new Map(uses.map(({ id, value }) => [id, value])),
    devices: await all<MfaDevice>(ctx, MFA_DEVICE),
    certificates: await all<SigningCertificate>(ctx, SIGNING_CERTIFICATE),
    policy: await storedPasswordPolicy(ctx),
  };
  const users = await all<User>(ctx, "user");
  const created = Math.min(...users.map((user) => user.created), ctx.now());
  const root = [
    "<root_account>",
    `arn:aws:iam::${ctx.account}:root`,
    time(created),
    ...PASSWORD_OF_ROOT,
    "false",
    ...keyColumns(facts, ROOT_USER),
    ...certificateColumns([]),
  ];
  const rows = users.map((user) => [
    user.name,
    entityArn("user", ctx.account, user),
    time(user.created),
    ...passwordColumns(user, facts.policy),
    String(facts.devices.some(({ owner }) => owner === user.id)),
    ...keyColumns(facts, user.name),
    ...certificateColumns(facts.certificates.filter(({ owner }) => owner === user.id)),
  ]);
  return [COLUMNS, root, ...rows].map((row) => row.map(quoted).join(",")).join("\n");
}

function passwordColumns({ login }: User, policy: PasswordPolicy | undefined): string[] {
  if (!login) return ["false", NONE, NONE, NONE];
  const next = policy?.maxAge === undefined ? NONE : time(login.changed + policy.maxAge * DAY_MS);
  return ["true", "no_information", time(login.changed), next];
}

function keyColumns({ keys, uses }: Facts, user: string): string[] {
  const own = keys.filter((key) => key.user === user).toSorted((a, b) => a.created - b.created);
  return SLOTS.flatMap((i) => {
    const key = own[i];
    if (!key) return ["false", NONE, NONE, NONE, NONE];
    const use = uses.get(key.id);
    const used = use ? [time(use.at), use.region, use.service] : [NONE, NONE, NONE];
    return [String(key.active), time(key.created), ...used];
  });
}

const certificateColumns = (own: readonly SigningCertificate[]): string[] =>
  SLOTS.flatMap((i) => (own[i] ? [String(own[i].active), time(own[i].uploaded)] : ["false", NONE]));

/** The credentials of all users, as a table. */
export const credentialReport = operations<typeof Iam, any>()({
  GenerateCredentialReport: {
    permissions: onAll("GenerateCredentialReport"),
    async run(ctx) {
      const known = (await ctx.globalRecords.get<Report>("account", "credential-report"))?.value;
      if (known && ctx.now() - known.at < FRESH_MS) return { State: "COMPLETE" };
      const report: Report = { at: ctx.now(), content: await makeReport(ctx) };
      await ctx.globalRecords.write(ctx.globalRecords.put("account", "credential-report", report));
      return {
        State: "STARTED",
        Description: known
          ? "The previous report has expired. Starting a new report generation task"
          : "No report exists. Starting a new report generation task",
      };
    },
  },
  GetCredentialReport: {
    permissions: onAll("GetCredentialReport"),
    async run(ctx) {
      const report = (await ctx.globalRecords.get<Report>("account", "credential-report"))?.value;
      if (!report) throw new AwsError("ReportNotPresent", "No report is present; please generate a new report.", 410);
      if (ctx.now() - report.at >= FRESH_MS)
        throw new AwsError("ReportExpired", "The report has expired; please generate a new report.", 410);
      return { Content: Buffer.from(report.content), ReportFormat: "text/csv", GeneratedTime: new Date(report.at) };
    },
  },
});
