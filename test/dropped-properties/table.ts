import type { ClientSettings } from "../support/test-app.ts";
import type { Resources } from "../support/stacks.ts";

/** A resource with settings that its template says at first and no longer says then. */
export interface Case {
  readonly type: string;
  /** What the template says all the time. */
  readonly kept: object;
  /** What it says at first, beside or instead of that. */
  readonly dropped: object;
  /** What must be there before it, beside what it refers to. */
  readonly after?: readonly string[];
  /** What the service's own API shows of the resource. */
  read(id: string, ids: Readonly<Record<string, string>>): Promise<unknown>;
}

/** Resources of a few services, each a case, and what they need beside them. */
export interface Area {
  readonly beside?: Resources;
  readonly cases: Readonly<Record<string, Case>>;
}

export type AreaOf = (client: ClientSettings) => Area;

export const sub = (text: string) => ({ "Fn::Sub": text });
export const arn = (id: string) => ({ "Fn::GetAtt": [id, "Arn"] });
export const ref = (id: string) => ({ Ref: id });
export const tags = [{ Key: "k", Value: "v" }];
/** A policy that allows an action of a service. */
export const allow = (Action: string, more: object = {}) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action, ...more }],
});
/** Who may assume a role. */
export const trusts = (...names: string[]) =>
  allow("sts:AssumeRole", { Principal: { Service: names.map((name) => `${name}.amazonaws.com`) } });
