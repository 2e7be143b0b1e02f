import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { authorize } from "../src/aws/authorize.ts";
import { createContext } from "../src/aws/context.ts";
import type { Member, Shape } from "../src/aws/model.ts";
import type { Principal } from "../src/aws/principal.ts";
import { codeOf } from "../src/kernel/aws-error.ts";
import { rootContext } from "../src/app/first-start.ts";
import { startTestApp, type TestApp } from "./support/test-app.ts";

/** Operations that need no permission, each with the reason. */
const OPEN: Readonly<Record<string, string>> = {
  "sts GetCallerIdentity": "whoever has credentials may ask whose they are",
  "sts AssumeRoleWithWebIdentity": "the token of the identity provider is what is checked",
  "sts GetSessionToken": "a user may always have a session of its own",
  "s3 DeleteObjects": "answers each key's refusal within a 200, as AWS does",
};

let app: TestApp;
let nobody: Principal;
before(async () => {
  app = await startTestApp();
  const { platform, registry } = app.running;
  const root = rootContext(platform, registry);
  const { User } = await root.call("iam", "CreateUser", { UserName: "nobody" });
  // S3 tells everybody that a bucket does not exist, so there must be one to be refused.
  await root.call("s3", "CreateBucket", { Bucket: "a-bucket" });
  nobody = { kind: "user", account: "000000000000", arn: User!.Arn!, id: User!.UserId!, name: "nobody" };
});
after(() => app.stop());

/** A value of the shape: required members, and those that name what is acted on. */
function sample(shape: Shape, depth = 0): unknown {
  switch (shape.kind) {
    case "structure":
    case "union": {
      const members = shape.members.filter((m) => depth < 3 && (m.traits.required || depth === 0));
      return Object.fromEntries(members.map((m) => [m.name, memberSample(m, depth)]));
    }
    case "list":
      return [sample(shape.value.shape, depth + 1)];
    case "map":
      return {};
    case "number":
      return 1;
    case "boolean":
      return false;
    case "timestamp":
      return new Date(0);
    case "blob":
      return Buffer.alloc(0);
    default:
      return "x";
  }
}

function memberSample(member: Member, depth: number): unknown {
  if (member.shape.kind !== "string") return sample(member.shape, depth + 1);
  if (member.name === "Bucket") return "a-bucket";
  if (/^Expected\w*BucketOwner$/.test(member.name)) return "000000000000";
  if (member.name === "CopySource") return "a-bucket/x";
  if (/rolearn$/i.test(member.name)) return "arn:aws:iam::000000000000:role/x";
  return "x";
}

test("every operation refuses a caller without permissions, before it does anything", async () => {
  const { platform, registry } = app.running;
  const wrong: string[] = [];
  for (const service of registry.services) {
    const model = registry.models.load(service.name);
    for (const [name, operation] of Object.entries(service.operations)) {
      const shape = model.operation(name);
      if (!shape || !operation) {
        wrong.push(`${service.name} ${name}: not in the model`);
        continue;
      }
      if (OPEN[`${service.name} ${name}`]) continue;
      const ctx = createContext(platform, registry, {
        service: service.name,
        account: "000000000000",
        region: "us-east-1",
        principal: nobody,
      });
      try {
        await authorize(ctx, operation, sample(shape.input));
        wrong.push(`${service.name} ${name}: allowed`);
      } catch (error) {
        if (!/^AccessDenied(Exception)?$|^NotAuthorized/.test(codeOf(error) ?? ""))
          wrong.push(`${service.name} ${name}: ${codeOf(error) ?? (error as Error).stack}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

test("the exceptions are operations that are there", () => {
  for (const key of Object.keys(OPEN)) {
    const [service = "", name = ""] = key.split(" ");
    assert.ok(app.running.registry.service(service)?.operations[name], key);
  }
});
