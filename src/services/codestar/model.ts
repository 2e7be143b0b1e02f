import type { Context } from "../../aws/context.ts";
import type { Principal } from "../../aws/principal.ts";
import type { Permission } from "../../aws/service.ts";
import { badToken, invalid, projectNotFound } from "./errors.ts";
import { DEFAULT_PAGE } from "./limits.ts";
import type { S3Location } from "./shapes.ts";

export type ProjectState = "CreateInProgress" | "CreateComplete" | "CreateFailed" | "DeleteInProgress" | "DeleteFailed";

export interface Project {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly created: number;
  readonly state: ProjectState;
  readonly reason?: string;
  readonly clientRequestToken?: string;
  /** The toolchain's stack; absent in a project that was made without a toolchain. */
  readonly stackId?: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** What the creation of a project still has to do; gone when it is done. */
export interface Creation {
  readonly template?: { readonly body: string } | { readonly url: string };
  readonly parameters: Readonly<Record<string, string>>;
  readonly roleArn?: string;
  /** The first commit, and the repository that it goes to. */
  readonly source?: { readonly from: S3Location; readonly repository: string };
  /** Who asked for the project: the source is read as them, and a user becomes its owner. */
  readonly caller: Principal;
}

export const ROLES = ["Owner", "Contributor", "Viewer"] as const;
export type TeamRole = (typeof ROLES)[number];

export interface Member {
  readonly userArn: string;
  readonly role: TeamRole;
  readonly remoteAccess: boolean;
}

export interface UserProfile {
  readonly userArn: string;
  readonly displayName: string;
  readonly emailAddress: string;
  readonly sshPublicKey: string;
  readonly created: number;
  readonly modified: number;
}

/** Names below `localhost` that are the platform's own, so no project's page can be there. */
const RESERVED = new Set(["console", "s3", "localhost"]);

/** Throws for an id that no project can have; its form has been checked by the model. */
export function checkId(id: string): void {
  if (RESERVED.has(id))
    throw invalid(
      `The project ID ${id} is reserved: the platform answers at http://${id}.localhost itself. Choose another.`,
    );
  // A label of a host name does not end with a hyphen, and the project's page is at http://<id>.localhost.
  if (id.endsWith("-")) throw invalid(`The project ID ${id} must not end with a hyphen.`);
}

interface Place {
  readonly region: string;
  readonly account: string;
}

export const projectArn = ({ region, account }: Place, id: string): string =>
  `arn:aws:codestar:${region}:${account}:project/${id}`;

export const toolchainStack = (id: string): string => `awscodestar-${id}`;

export const applicationStack = (id: string): string => `awscodestar-${id}-lambda`;

export const teamPolicyName = (id: string, role: TeamRole): string => `CodeStar_${id}_${role}`;

export const teamPolicyArn = ({ account }: { account: string }, id: string, role: TeamRole): string =>
  `arn:aws:iam::${account}:policy/${teamPolicyName(id, role)}`;

export const boundaryArn = ({ account }: { account: string }, id: string): string =>
  `arn:aws:iam::${account}:policy/CodeStar_${id}_PermissionsBoundary`;

/** The permission for an action on the project that the input names. */
export const onProject =
  (action: string) =>
  (input: { id?: string | undefined; projectId?: string | undefined }, ctx: Context<any>): Permission[] => [
    { action: `codestar:${action}`, resource: projectArn(ctx, String(input.id ?? input.projectId)) },
  ];

/** The permission for an action that has no resource. */
export const onAll = (action: string) => (): Permission[] => [{ action: `codestar:${action}`, resource: "*" }];

export async function existingProject(ctx: Context<any>, id: string | undefined): Promise<Project> {
  const stored = await ctx.records.get<Project>("project", String(id));
  if (!stored) throw projectNotFound(String(id));
  return stored.value;
}

/** One page of a list that is ordered already; the token is a place in it. */
export function page<T>(
  all: readonly T[],
  input: { nextToken?: string | undefined; maxResults?: number | undefined },
): { items: T[]; nextToken?: string } {
  const start = input.nextToken ? Number(Buffer.from(input.nextToken, "base64url").toString("latin1")) : 0;
  if (!Number.isInteger(start) || start < 0 || start > all.length) throw badToken();
  const end = start + (input.maxResults ?? DEFAULT_PAGE);
  const items = all.slice(start, end);
  return end < all.length ? { items, nextToken: Buffer.from(String(end)).toString("base64url") } : { items };
}
