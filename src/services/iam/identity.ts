import { timingSafeEqual } from "node:crypto";
import type {
  Credentials,
  Identity,
  KeyUse,
  PrincipalPolicies,
  RoleSessionOptions,
  TrustedRole,
} from "../../aws/identity.ts";
import type { Settings } from "../../aws/platform.ts";
import type { Principal } from "../../aws/principal.ts";
import { Records } from "../../aws/records.ts";
import type { Vault } from "../../aws/vault.ts";
import { compilePolicy, evaluate } from "../../engines/policy/index.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import type { Clock } from "../../kernel/clock.ts";
import { UPPER_ALPHANUMERIC, type Ids } from "../../kernel/ids.ts";
import type { Bus } from "../../ports/bus.ts";
import type { Database } from "../../ports/database.ts";
import { awsManagedPolicy } from "./aws-managed/index.ts";
import { noSuch, noSuchPolicy } from "./errors.ts";
import { MFA_DEVICE, takeCodes, type MfaDevice } from "./mfa.ts";
import {
  entityArn,
  nameKey,
  roleNameOf,
  ROOT_USER,
  type AccessKey,
  type Entity,
  type Group,
  type ManagedPolicy,
  type Role,
  type ServiceCredential,
  type User,
} from "./model.ts";
import { IAM_CHANGED } from "./store.ts";

const ALLOW_ALL = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
});
const DEFAULT_SESSION_SECONDS = 3600;
/** Whose passwords git takes; those for other services open nothing here. */
const GIT = "codecommit.amazonaws.com";
const MAX_CACHED = 10_000;
/** How exactly the time of a key's last use is known. */
const USE_MS = 1_000;

/** What a session token holds; it is sealed, so nobody can make or change one. */
interface TokenContent {
  readonly k: string;
  readonly s: string;
  readonly e: number;
  readonly p: Principal;
}

export interface IdentityParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly vault: Vault;
  readonly bus: Bus;
  readonly settings: Pick<Settings, "account">;
}

/** Who is who, on IAM's records. Policies and keys are cached until IAM changes. */
export class RecordIdentity implements Identity {
  readonly #parts: IdentityParts;
  readonly #records: Records;
  readonly #policies = new Map<string, Promise<PrincipalPolicies>>();
  readonly #keys = new Map<string, Promise<{ secret: string; principal: Principal } | undefined>>();
  readonly #uses = new Map<string, KeyUse>();
  #revision = 0;

  constructor(parts: IdentityParts) {
    this.#parts = parts;
    const scope = { service: "iam", account: parts.settings.account, region: "" };
    this.#records = new Records(parts.database, parts.clock, scope);
    parts.bus.subscribe(IAM_CHANGED, () => {
      this.#revision++;
      this.#policies.clear();
      this.#keys.clear();
    });
  }

  credentials(
    accessKeyId: string,
    sessionToken: string | undefined,
  ): Promise<{ secret: string; principal: Principal } | undefined> {
    if (sessionToken !== undefined) return Promise.resolve(this.#fromToken(accessKeyId, sessionToken));
    return cached(this.#keys, accessKeyId, () => this.#fromKey(accessKeyId));
  }

  noteUse(accessKeyId: string, service: string, region: string, principal: Principal): void {
    const id = principal.kind === "role" ? principal.id.slice(0, principal.id.indexOf(":")) : accessKeyId;
    if (id.startsWith("ASIA")) return;
    const now = this.#parts.clock.now();
    const known = this.#uses.get(id);
    if (known && now - known.at < USE_MS && known.service === service) return;
    if (this.#uses.size >= MAX_CACHED) this.#uses.clear();
    this.#uses.set(id, { at: now, service, region });
  }

  takeUses(): [id: string, use: KeyUse][] {
    const uses = [...this.#uses];
    this.#uses.clear();
    return uses;
  }

  policies(principal: Principal): Promise<PrincipalPolicies> {
    if (principal.kind === "role") {
      // The session's name is part of the id; policies and tags differ from session to session of one name.
      const own =
        principal.sessionPolicies || principal.tags ? JSON.stringify([principal.sessionPolicies, principal.tags]) : "";
      return cached(this.#policies, principal.id + own, () => this.#ofRole(principal));
    }
    if (principal.kind === "user") return cached(this.#policies, principal.id, () => this.#ofUser(principal));
    if (principal.kind === "federated") return this.#ofFederated(principal);
    const identity = principal.kind === "root" ? [ALLOW_ALL] : [];
    return Promise.resolve({ identity, context: {}, revision: "" });
  }

  async assumeRoleFor(
    service: string,
    roleArn: string,
    options: { sessionName: string; durationSeconds?: number; sourceArn?: string },
  ): Promise<Credentials> {
    const role = await this.role(roleArn);
    const decision = evaluate({
      principal: { type: "service", account: "", arn: "", service },
      action: "sts:AssumeRole",
      resource: roleArn,
      resourceAccount: this.#parts.settings.account,
      identityPolicies: [],
      resourcePolicy: compilePolicy(role.trust, "trust"),
      context: { "aws:SourceArn": options.sourceArn, "aws:SourceAccount": this.#parts.settings.account },
    });
    if (decision.decision !== "allow") {
      throw new AwsError(
        "AccessDenied",
        `The role ${roleArn} cannot be assumed by ${service}: its trust policy does not allow it.`,
        403,
      );
    }
    return this.issueForRole(role, {
      sessionName: options.sessionName,
      service,
      ...(options.durationSeconds ? { durationSeconds: options.durationSeconds } : {}),
    });
  }

  /** The role of an ARN; throws NoSuchEntity. */
  async role(roleArn: string): Promise<Role> {
    const name = roleNameOf(roleArn);
    const role = name && (await this.#records.get<Role>("role", nameKey(name)))?.value;
    if (!role || entityArn("role", this.#parts.settings.account, role) !== roleArn)
      throw noSuch("role", name || roleArn);
    return role;
  }

  /** New temporary credentials of a role. The caller has checked who may have them. */
  issueForRole(role: TrustedRole, options: RoleSessionOptions): Credentials {
    const { account } = this.#parts.settings;
    const session = options.sessionName.replace(/[^\w+=,.@-]/g, "-").slice(0, 64);
    return this.issueFor(
      {
        kind: "role",
        account,
        arn: `arn:aws:sts::${account}:assumed-role/${role.name}/${session}`,
        id: `${role.id}:${session}`,
        roleArn: entityArn("role", account, role),
        roleName: role.name,
        sessionName: session,
        ...(options.sessionPolicies?.length ? { sessionPolicies: options.sessionPolicies } : {}),
        ...(options.tags ? { tags: options.tags } : {}),
        ...(options.transitive?.length ? { transitive: options.transitive } : {}),
        ...(options.sourceIdentity ? { sourceIdentity: options.sourceIdentity } : {}),
        token: { issued: this.#parts.clock.now(), mfa: options.mfa ?? false },
        ...(options.service ? { service: options.service } : {}),
      },
      options.durationSeconds ?? DEFAULT_SESSION_SECONDS,
    );
  }

  async takeMfaCode(principal: Principal, serialNumber: string, code: string): Promise<boolean> {
    if (principal.kind !== "user") return false;
    const device = (await this.#records.get<MfaDevice>(MFA_DEVICE, serialNumber))?.value;
    if (device?.owner !== principal.id) return false;
    const { vault, clock } = this.#parts;
    return takeCodes({ records: this.#records, vault, now: clock.now() }, device, [code]);
  }

  async hasAccessKey(accessKeyId: string): Promise<boolean> {
    return (await this.#records.get<AccessKey>("access-key", accessKeyId)) !== undefined;
  }

  async policyDocument(policyArn: string): Promise<string> {
    const document = await this.#document(policyArn);
    if (document === undefined) throw noSuchPolicy(policyArn);
    return document;
  }

  /** The user whose git user name and password these are. */
  async gitUser(userName: string, password: string): Promise<Principal | undefined> {
    const all = await this.#records.list<ServiceCredential>("service-credential");
    const found = all.map((s) => s.value).find((c) => c.service === GIT && c.userName === userName && c.active);
    const expected = found && this.#parts.vault.open("service-credential", found.sealedPassword);
    if (!found || expected === undefined) return undefined;
    const [a, b] = [Buffer.from(expected), Buffer.from(password)];
    if (a.length !== b.length || !timingSafeEqual(a, b)) return undefined;
    return this.#principalOf(found.user);
  }

  issueFor(principal: Principal, seconds: number): Credentials {
    const { ids, clock, vault } = this.#parts;
    const accessKeyId = `ASIA${ids.text(16, UPPER_ALPHANUMERIC)}`;
    const secretAccessKey = Buffer.from(ids.bytes(30)).toString("base64");
    const expiration = clock.now() + seconds * 1000;
    const content: TokenContent = { k: accessKeyId, s: secretAccessKey, e: expiration, p: principal };
    return {
      accessKeyId,
      secretAccessKey,
      expiration,
      principal,
      sessionToken: vault.seal("session-token", JSON.stringify(content)),
    };
  }

  #fromToken(accessKeyId: string, token: string): { secret: string; principal: Principal } | undefined {
    const text = this.#parts.vault.open("session-token", token);
    if (text === undefined) return undefined;
    const content = JSON.parse(text) as TokenContent;
    if (content.k !== accessKeyId) return undefined;
    if (content.e <= this.#parts.clock.now()) {
      throw new AwsError("ExpiredToken", "The security token included in the request is expired", 403);
    }
    return { secret: content.s, principal: content.p };
  }

  async #fromKey(accessKeyId: string): Promise<{ secret: string; principal: Principal } | undefined> {
    const key = (await this.#records.get<AccessKey>("access-key", accessKeyId))?.value;
    if (!key?.active) return undefined;
    const secret = this.#parts.vault.open("access-key", key.sealedSecret);
    const principal = await this.#principalOf(key.user);
    return secret === undefined || !principal ? undefined : { secret, principal };
  }

  async #principalOf(userName: string): Promise<Principal | undefined> {
    const { account } = this.#parts.settings;
    if (userName === ROOT_USER) return { kind: "root", account, arn: `arn:aws:iam::${account}:root`, id: account };
    const user = (await this.#records.get<User>("user", nameKey(userName)))?.value;
    return user && { kind: "user", account, arn: entityArn("user", account, user), id: user.id, name: user.name };
  }

  async #ofUser(principal: Extract<Principal, { kind: "user" }>): Promise<PrincipalPolicies> {
    const user = (await this.#records.get<User>("user", nameKey(principal.name)))?.value;
    if (!user || user.id !== principal.id) throw gone();
    const groups = await Promise.all(user.groups.map((name) => this.#records.get<Group>("group", name)));
    const holders: Entity[] = [user, ...groups.flatMap((g) => (g ? [g.value] : []))];
    return this.#bounds(user, holders, user.tags ?? {});
  }

  /** What its giver may, as far as the policies of the session let it: nothing where they are none. */
  async #ofFederated(principal: Extract<Principal, { kind: "federated" }>): Promise<PrincipalPolicies> {
    const { giver, account, sessionPolicies, tags = {} } = principal;
    const bounds: PrincipalPolicies =
      giver.kind === "root"
        ? { identity: [ALLOW_ALL], context: {}, revision: "" }
        : await this.policies({ kind: "user", account, arn: "", id: giver.id, name: giver.name });
    const context = { ...bounds.context, ...principalTags(tags) };
    return sessionPolicies.length
      ? { ...bounds, context, session: sessionPolicies }
      : { ...bounds, context, identity: [] };
  }

  async #ofRole(principal: Extract<Principal, { kind: "role" }>): Promise<PrincipalPolicies> {
    const role = (await this.#records.get<Role>("role", nameKey(principal.roleName)))?.value;
    if (!role || !principal.id.startsWith(`${role.id}:`)) throw gone();
    const bounds = await this.#bounds(role, [role], { ...role.tags, ...principal.tags });
    return principal.sessionPolicies ? { ...bounds, session: principal.sessionPolicies } : bounds;
  }

  async #bounds(
    self: Entity,
    holders: readonly Entity[],
    tags: Readonly<Record<string, string>>,
  ): Promise<PrincipalPolicies> {
    const documents = await Promise.all(
      holders.map(async (holder) => [
        ...Object.values(holder.inline),
        ...(await Promise.all(holder.attached.map((policyArn) => this.#document(policyArn)))).flatMap((d) => d ?? []),
      ]),
    );
    // A boundary whose policy was deleted allows nothing, so that deleting it never widens what a principal may do.
    const boundary =
      self.boundary === undefined
        ? undefined
        : ((await this.#document(self.boundary)) ??
          JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Deny", Action: "*", Resource: "*" }] }));
    return {
      identity: documents.flat(),
      context: principalTags(tags),
      revision: String(this.#revision),
      ...(boundary === undefined ? {} : { boundary }),
    };
  }

  async #document(policyArn: string): Promise<string | undefined> {
    const policy = awsManagedPolicy(policyArn) ?? (await this.#records.get<ManagedPolicy>("policy", policyArn))?.value;
    return policy?.versions.find((version) => version.id === policy.defaultVersion)?.document;
  }
}

const principalTags = (tags: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:PrincipalTag/${key}`, value]));

const gone = (): AwsError =>
  new AwsError("InvalidClientTokenId", "The security token included in the request is invalid.", 403);

/** What `make` answers, kept until the map is cleared; a failure is not kept. */
function cached<T>(map: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  let promise = map.get(key);
  if (!promise) {
    if (map.size >= MAX_CACHED) map.clear();
    promise = make();
    map.set(key, promise);
    promise.catch(() => map.delete(key));
  }
  return promise;
}
