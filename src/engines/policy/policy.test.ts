import assert from "node:assert/strict";
import { test } from "node:test";
import type { AccessRequest, Principal } from "./index.ts";
import { compilePolicy, evaluate, explainDenial, parsePolicy, statementPlaces } from "./index.ts";

const user: Principal = { type: "user", account: "111122223333", arn: "arn:aws:iam::111122223333:user/ann" };
const session: Principal = {
  type: "assumed-role",
  account: "111122223333",
  arn: "arn:aws:sts::111122223333:assumed-role/Deploy/s1",
  roleArn: "arn:aws:iam::111122223333:role/team/Deploy",
  userId: "AROAEXAMPLEEXAMPLE123:s1",
};
const lambda: Principal = { type: "service", account: "", arn: "", service: "lambda.amazonaws.com" };

function allow(extra: object): ReturnType<typeof compilePolicy> {
  const resource = "NotResource" in extra ? {} : { Resource: "*" };
  return compilePolicy({ Version: "2012-10-17", Statement: { Effect: "Allow", Action: "*", ...resource, ...extra } });
}
function deny(extra: object): ReturnType<typeof compilePolicy> {
  return allow({ Effect: "Deny", ...extra });
}
function resourcePolicy(principal: unknown, extra: object = {}): ReturnType<typeof compilePolicy> {
  const statement = { Effect: "Allow", Principal: principal, Action: "*", Resource: "*", ...extra };
  return compilePolicy({ Version: "2012-10-17", Statement: [statement] }, "resource");
}
function decide(over: Partial<AccessRequest>): string {
  const base = { principal: user, action: "s3:GetObject", resource: "arn:aws:s3:::b/k", identityPolicies: [] };
  return evaluate({ ...base, ...over }).decision;
}
function condition(block: object, context: AccessRequest["context"] = {}): boolean {
  return decide({ identityPolicies: [allow({ Condition: block })], context }) === "allow";
}

test("denies by default and lets an explicit deny win", () => {
  assert.equal(decide({}), "implicitDeny");
  assert.equal(decide({ identityPolicies: [allow({})] }), "allow");
  assert.equal(decide({ identityPolicies: [allow({}), deny({ Action: "S3:getobject" })] }), "explicitDeny");
  assert.equal(
    decide({ identityPolicies: [allow({})], resourcePolicy: resourcePolicy("*", { Effect: "Deny" }) }),
    "explicitDeny",
  );
});

test("matches actions without case, resources with case, and the Not elements", () => {
  assert.equal(decide({ identityPolicies: [allow({ Action: ["s3:GET*", "sqs:?"] })] }), "allow");
  assert.equal(decide({ identityPolicies: [allow({ Resource: "arn:aws:s3:::B/*" })] }), "implicitDeny");
  assert.equal(decide({ identityPolicies: [allow({ Resource: "arn:aws:s3:::?/*" })] }), "allow");
  const notAction = { Statement: { Effect: "Allow", NotAction: "iam:*", Resource: "*" } };
  assert.equal(decide({ identityPolicies: [compilePolicy(notAction)] }), "allow");
  assert.equal(decide({ identityPolicies: [compilePolicy(notAction)], action: "iam:PassRole" }), "implicitDeny");
  const notResource = { Statement: { Effect: "Allow", Action: "*", NotResource: "arn:aws:s3:::b/*" } };
  assert.equal(decide({ identityPolicies: [compilePolicy(notResource)] }), "implicitDeny");
});

test("same account: naming user or role grants, naming the account only delegates", () => {
  assert.equal(decide({ resourcePolicy: resourcePolicy({ AWS: user.arn }) }), "allow");
  assert.equal(decide({ resourcePolicy: resourcePolicy({ AWS: "111122223333" }) }), "implicitDeny");
  assert.equal(decide({ resourcePolicy: resourcePolicy({ AWS: session.roleArn }), principal: session }), "allow");
  const service = { ...user, type: "service" as const, service: "logs.amazonaws.com" };
  for (const name of ["logs.amazonaws.com", "logs.us-east-1.amazonaws.com"])
    assert.equal(decide({ resourcePolicy: resourcePolicy({ Service: name }), principal: service }), "allow");
  for (const name of ["s3.amazonaws.com", "logs.example.amazonaws.com"])
    assert.equal(decide({ resourcePolicy: resourcePolicy({ Service: name }), principal: service }), "implicitDeny");
  const boundary = allow({ Action: "sqs:*" });
  assert.equal(
    decide({ resourcePolicy: resourcePolicy({ AWS: session.roleArn }), principal: session, boundary }),
    "implicitDeny",
  );
  assert.equal(decide({ resourcePolicy: resourcePolicy({ AWS: session.arn }), principal: session, boundary }), "allow");
});

test("across accounts both sides must allow", () => {
  const resourceAccount = "999988887777";
  const shared = resourcePolicy({ AWS: "arn:aws:iam::111122223333:root" });
  assert.equal(decide({ resourceAccount, resourcePolicy: shared }), "implicitDeny");
  assert.equal(decide({ resourceAccount, identityPolicies: [allow({})] }), "implicitDeny");
  assert.equal(decide({ resourceAccount, identityPolicies: [allow({})], resourcePolicy: shared }), "allow");
});

test("boundary and session policies narrow what the identity allows", () => {
  const identityPolicies = [allow({})];
  assert.equal(decide({ identityPolicies, boundary: allow({ Action: "sqs:*" }) }), "implicitDeny");
  assert.equal(decide({ identityPolicies, boundary: allow({ Action: "s3:*" }) }), "allow");
  assert.equal(decide({ identityPolicies, sessionPolicies: [allow({ Action: "sqs:*" })] }), "implicitDeny");
  assert.equal(
    decide({ identityPolicies, sessionPolicies: [allow({ Action: "sqs:*" }), allow({ Action: "s3:*" })] }),
    "allow",
  );
});

test("trust policies admit services and users by the same logic", () => {
  const trust = compilePolicy(
    { Statement: { Effect: "Allow", Principal: { Service: ["lambda.amazonaws.com"] }, Action: "sts:AssumeRole" } },
    "trust",
  );
  const ask = { action: "sts:AssumeRole", resource: "arn:aws:iam::111122223333:role/r", resourcePolicy: trust };
  assert.equal(decide({ ...ask, principal: lambda }), "allow");
  assert.equal(decide({ ...ask, principal: { ...lambda, service: "s3.amazonaws.com" } }), "implicitDeny");
  assert.equal(decide({ ...ask, principal: user, identityPolicies: [] }), "implicitDeny");
  const web = { type: "federated", account: "", arn: "", federated: "cognito-identity.amazonaws.com" } as const;
  const federated = resourcePolicy({ Federated: "cognito-identity.amazonaws.com" });
  assert.equal(decide({ principal: web, resourcePolicy: federated }), "allow");
});

test("NotPrincipal denies everyone else", () => {
  const policy = compilePolicy(
    { Statement: { Effect: "Deny", NotPrincipal: { AWS: user.arn }, Action: "*", Resource: "*" } },
    "resource",
  );
  assert.equal(decide({ resourcePolicy: policy, identityPolicies: [allow({})] }), "allow");
  assert.equal(decide({ resourcePolicy: policy, identityPolicies: [allow({})], principal: session }), "explicitDeny");
});

test("resolves policy variables, with defaults, and never lets their value act as a wildcard", () => {
  const home = allow({ Resource: "arn:aws:s3:::b/${aws:username}/*" });
  const ask = { identityPolicies: [home], resource: "arn:aws:s3:::b/ann/x" };
  assert.equal(decide({ ...ask, context: { "aws:UserName": "ann" } }), "allow");
  assert.equal(decide({ ...ask, context: { "aws:username": "*" } }), "implicitDeny");
  assert.equal(decide(ask), "implicitDeny");
  const fallback = allow({ Resource: "arn:aws:s3:::b/${aws:PrincipalTag/team, 'ann'}/*" });
  assert.equal(decide({ ...ask, identityPolicies: [fallback] }), "allow");
  const star = allow({ Resource: "arn:aws:s3:::b/${*}" });
  assert.equal(decide({ identityPolicies: [star], resource: "arn:aws:s3:::b/*" }), "allow");
  assert.equal(decide({ identityPolicies: [star], resource: "arn:aws:s3:::b/k" }), "implicitDeny");
  const old = compilePolicy({ Statement: { Effect: "Allow", Action: "*", Resource: "arn:aws:s3:::${aws:username}" } });
  assert.equal(decide({ identityPolicies: [old], resource: "arn:aws:s3:::${aws:username}" }), "allow");
});

test("a variable without value never widens access", () => {
  const identityPolicies = [
    allow({}),
    deny({ Condition: { StringNotEquals: { "aws:PrincipalTag/a": "${aws:ResourceTag/a}" } } }),
  ];
  assert.equal(decide({ identityPolicies, context: { "aws:PrincipalTag/a": "x" } }), "explicitDeny");
});

test("string, bool, null and binary conditions", () => {
  assert.ok(condition({ StringEquals: { "aws:x": ["a", "b"] } }, { "AWS:X": "b" }));
  assert.ok(!condition({ StringEquals: { "aws:x": "a*" } }, { "aws:x": "ab" }));
  assert.ok(condition({ StringLike: { "aws:x": "a*" } }, { "aws:x": "ab" }));
  assert.ok(condition({ StringNotLike: { "aws:x": "a*" } }, { "aws:x": "b" }));
  assert.ok(condition({ StringNotEquals: { "aws:x": "a" } }));
  assert.ok(!condition({ StringEquals: { "aws:x": "a" } }));
  assert.ok(condition({ StringEqualsIfExists: { "aws:x": "a" } }));
  assert.ok(condition({ StringEqualsIgnoreCase: { "aws:x": "A" } }, { "aws:x": "a" }));
  assert.ok(condition({ Bool: { "aws:SecureTransport": false } }, { "aws:SecureTransport": false }));
  assert.ok(condition({ Null: { "aws:x": true } }));
  assert.ok(!condition({ Null: { "aws:x": "true" } }, { "aws:x": "a" }));
  assert.ok(condition({ BinaryEquals: { "aws:x": "AQ==" } }, { "aws:x": "AQ==" }));
});

test("numeric, date, address and ARN conditions", () => {
  assert.ok(condition({ NumericLessThanEquals: { "s3:max-keys": "10" } }, { "s3:max-keys": 10 }));
  assert.ok(!condition({ NumericEquals: { "s3:max-keys": "10" } }, { "s3:max-keys": "ten" }));
  assert.ok(
    condition(
      { DateGreaterThan: { "aws:CurrentTime": "2020-01-01T00:00:00Z" } },
      { "aws:CurrentTime": new Date(1.7e12) },
    ),
  );
  assert.ok(condition({ DateLessThan: { "aws:EpochTime": "1800000000" } }, { "aws:EpochTime": 1.7e9 }));
  assert.ok(condition({ IpAddress: { "aws:SourceIp": ["10.0.0.0/8"] } }, { "aws:SourceIp": "10.9.8.7" }));
  assert.ok(condition({ IpAddress: { "aws:SourceIp": "10.0.0.0/8" } }, { "aws:SourceIp": "::ffff:10.1.2.3" }));
  assert.ok(condition({ NotIpAddress: { "aws:SourceIp": "2001:db8::/32" } }, { "aws:SourceIp": "2001:db9::1" }));
  assert.ok(!condition({ NotIpAddress: { "aws:SourceIp": "2001:db8::/32" } }, { "aws:SourceIp": "2001:db8::1" }));
  const like = { ArnLike: { "aws:SourceArn": "arn:aws:s3:*:*:b*" } };
  assert.ok(condition(like, { "aws:SourceArn": "arn:aws:s3:::bucket:x" }));
  assert.ok(!condition({ ArnEquals: { "aws:SourceArn": "arn:aws:*:b" } }, { "aws:SourceArn": "arn:aws:s3:::b" }));
});

test("set operators", () => {
  const all = { "ForAllValues:StringEquals": { "aws:TagKeys": ["a", "b"] } };
  assert.ok(condition(all, { "aws:TagKeys": ["a", "b"] }));
  assert.ok(!condition(all, { "aws:TagKeys": ["a", "c"] }));
  assert.ok(condition(all));
  const any = { "ForAnyValue:StringEquals": { "aws:TagKeys": ["a", "b"] } };
  assert.ok(condition(any, { "aws:TagKeys": ["a", "c"] }));
  assert.ok(!condition(any));
  const none = { "ForAnyValue:StringNotEquals": { "aws:TagKeys": ["a"] } };
  assert.ok(condition(none, { "aws:TagKeys": ["a", "c"] }));
  assert.ok(!condition(none, { "aws:TagKeys": ["a"] }));
});

test("refuses malformed documents in IAM's words", () => {
  const refused = (doc: unknown, pattern: RegExp, kind?: "trust" | "resource"): void => {
    assert.throws(
      () => parsePolicy(doc as object, kind),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, "MalformedPolicyDocument");
        assert.match(error.message, pattern);
        return true;
      },
    );
  };
  const s = { Effect: "Allow", Action: "s3:*", Resource: "*" };
  refused("{", /invalid Json/);
  refused({ Statement: { ...s, Effect: "allow" } }, /Syntax errors/);
  refused({ Statement: { ...s, Extra: 1 } }, /Syntax errors/);
  refused({ Version: "2013-01-01", Statement: s }, /Syntax errors/);
  refused({ Statement: { Effect: "Allow", Resource: "*" } }, /must contain actions/);
  refused({ Statement: { Effect: "Allow", Action: "s3:*" } }, /must contain resources/);
  refused({ Statement: { ...s, Action: "GetObject" } }, /prefaced by a vendor/);
  refused({ Statement: { ...s, Resource: "bucket" } }, /must be in ARN format/);
  refused(
    {
      Statement: [
        { ...s, Sid: "A" },
        { ...s, Sid: "A" },
      ],
    },
    /must be unique/,
  );
  refused({ Statement: { ...s, Principal: "*" } }, /should not specify a principal/);
  refused({ Statement: { ...s, Principal: "*" } }, /prohibited field Resource/, "trust");
  refused({ Statement: { Effect: "Allow", Action: "s3:*", Principal: "*" } }, /STS AssumeRole/, "trust");
  refused(
    { Statement: { Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: "ann" } } },
    /Invalid principal in policy: "AWS":"ann"/,
    "trust",
  );
  refused({ Statement: { ...s, Condition: { Nope: { "aws:x": "1" } } } }, /Invalid Condition type/);
  assert.equal(parsePolicy({ Version: new Date("2012-10-17"), Statement: s }).version, "2012-10-17");
});

test("explains a refusal as AWS does", () => {
  const request: AccessRequest = { principal: user, action: "s3:GetObject", resource: "*", identityPolicies: [] };
  assert.equal(
    explainDenial(request, evaluate(request)),
    "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: s3:GetObject on resource: * because no identity-based policy allows the s3:GetObject action",
  );
});

test("hostile patterns stay fast and evaluation takes microseconds", () => {
  const nasty = allow({ Resource: `arn:aws:s3:::${"*a".repeat(500)}b` });
  const started = performance.now();
  assert.equal(decide({ identityPolicies: [nasty], resource: `arn:aws:s3:::${"a".repeat(2000)}` }), "implicitDeny");
  assert.ok(performance.now() - started < 20_000); // not a measure: a search without end takes minutes
});

test("the places of many statements are found in one pass", () => {
  const statement = '{"Effect":"Allow","Action":"a:b","Resource":"*"}';
  const document = `{"Statement":[\n${Array.from({ length: 30_000 }, () => statement).join(",\n")}]}`;
  const started = performance.now();
  const places = statementPlaces(document);
  assert.ok(performance.now() - started < 3000); // quadratic it takes half a minute
  assert.deepEqual(places.at(-1), {
    start: { line: 30_001, column: 2 },
    end: { line: 30_001, column: statement.length + 1 },
  });
});
