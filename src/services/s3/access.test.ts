import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { SignatureV4 } from "@smithy/signature-v4";
import { Sha256 } from "../../../test/support/sha256.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

describe("S3 access", () => {
  let app: TestApp;
  let s3: S3;
  let buckets = 0;
  before(async () => {
    app = await startTestApp();
    s3 = new S3({ ...app.client, forcePathStyle: true });
  });
  after(async () => {
    s3.destroy();
    await app.stop();
  });

  /** A request without credentials, by any Host. */
  const plain = (
    path: string,
    options: { host?: string; method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers = { ...options.headers, ...(options.host ? { host: options.host } : {}) };
      const sent = request(app.endpoint + path, { method: options.method ?? "GET", headers }, (response) => {
        let body = "";
        response.on("data", (chunk) => (body += chunk));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      });
      sent.on("error", reject);
      sent.end(options.body);
    });
  const bucket = async (): Promise<string> => {
    const Bucket = `access-${buckets++}`;
    await s3.createBucket({ Bucket });
    return Bucket;
  };
  const openToPublic = async (Bucket: string): Promise<void> => {
    await s3.deletePublicAccessBlock({ Bucket });
    await s3.putBucketOwnershipControls({
      Bucket,
      OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] },
    });
  };
  const code = (name: string) => (error: any) => {
    assert.equal(error.name, name, error.message);
    return true;
  };
  const AllUsers = 'uri="http://acs.amazonaws.com/groups/global/AllUsers"';

  test("strangers see nothing, not even which keys there are", async () => {
    const Bucket = await bucket();
    await s3.putObject({ Bucket, Key: "k", Body: "secret" });
    for (const path of [`/${Bucket}/k`, `/${Bucket}/none`, `/${Bucket}`])
      assert.equal((await plain(path)).status, 403, path);
    assert.equal((await plain(`/${Bucket}/k`, { method: "PUT", body: "x" })).status, 403);
    assert.equal((await plain("/no-such-bucket-at-all/k")).status, 404);
  });

  test("ACLs: refused on a new bucket; with ownership and access opened, AllUsers may read what is granted", async () => {
    const Bucket = await bucket();
    await assert.rejects(
      s3.putObject({ Bucket, Key: "k", Body: "x", ACL: "public-read" }),
      code("AccessControlListNotSupported"),
    );
    await assert.rejects(
      s3.createBucket({ Bucket: "access-acl", ACL: "public-read" }),
      code("InvalidBucketAclWithObjectOwnership"),
    );
    await s3.putBucketOwnershipControls({
      Bucket,
      OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] },
    });
    await assert.rejects(s3.putObject({ Bucket, Key: "k", Body: "x", GrantRead: AllUsers }), code("AccessDenied"));
    await openToPublic(Bucket);
    await s3.putObject({ Bucket, Key: "granted", Body: "hello", GrantRead: AllUsers, ContentType: "text/html" });
    await s3.putObject({ Bucket, Key: "private", Body: "x" });
    const got = await plain(`/${Bucket}/granted`);
    assert.deepEqual([got.status, got.body, got.headers["content-type"]], [200, "hello", "text/html"]);
    assert.equal((await plain("/granted", { host: `${Bucket}.s3.us-east-1.amazonaws.com` })).body, "hello");
    assert.equal((await plain("/granted", { host: `${Bucket}.s3.localhost` })).body, "hello");
    assert.equal((await plain(`/${Bucket}/private`)).status, 403);
    assert.equal((await plain(`/${Bucket}`)).status, 403);
    await s3.putObjectAcl({ Bucket, Key: "private", ACL: "public-read" });
    assert.equal((await plain(`/${Bucket}/private`)).status, 200);
    const { Grants } = await s3.getObjectAcl({ Bucket, Key: "private" });
    assert.deepEqual(
      Grants?.map((g) => [g.Grantee?.Type, g.Permission]),
      [
        ["CanonicalUser", "FULL_CONTROL"],
        ["Group", "READ"],
      ],
    );
    await s3.putBucketAcl({ Bucket, ACL: "public-read" });
    assert.equal((await plain(`/${Bucket}`)).status, 200);
    await s3.putPublicAccessBlock({ Bucket, PublicAccessBlockConfiguration: { IgnorePublicAcls: true } });
    assert.equal((await plain(`/${Bucket}/granted`)).status, 403);
  });

  test("policies: allow strangers, deny the owner's users, refuse what is malformed or blocked", async () => {
    const Bucket = await bucket();
    await s3.putObject({ Bucket, Key: "open/a", Body: "a" });
    await s3.putObject({ Bucket, Key: "closed/a", Body: "a" });
    const policy = (...Statement: object[]): string => JSON.stringify({ Version: "2012-10-17", Statement });
    const open = { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: `arn:aws:s3:::${Bucket}/open/*` };
    await assert.rejects(s3.putBucketPolicy({ Bucket, Policy: policy(open) }), code("AccessDenied"));
    await s3.deletePublicAccessBlock({ Bucket });
    await assert.rejects(s3.putBucketPolicy({ Bucket, Policy: "{" }), code("MalformedPolicy"));
    await assert.rejects(
      s3.putBucketPolicy({ Bucket, Policy: policy({ ...open, Resource: "arn:aws:s3:::other/*" }) }),
      code("MalformedPolicy"),
    );
    await assert.rejects(s3.getBucketPolicy({ Bucket }), code("NoSuchBucketPolicy"));
    const deny = { Effect: "Deny", Principal: "*", Action: "s3:DeleteObject", Resource: `arn:aws:s3:::${Bucket}/*` };
    await s3.putBucketPolicy({ Bucket, Policy: policy(open, deny) });
    assert.equal((await s3.getBucketPolicyStatus({ Bucket })).PolicyStatus?.IsPublic, true);
    assert.equal((await plain(`/${Bucket}/open/a`)).body, "a");
    assert.equal((await plain(`/${Bucket}/closed/a`)).status, 403);
    await assert.rejects(s3.deleteObject({ Bucket, Key: "open/a" }), code("AccessDenied"));
    const { Errors } = await s3.deleteObjects({ Bucket, Delete: { Objects: [{ Key: "open/a" }] } });
    assert.equal(Errors?.[0]?.Code, "AccessDenied");
    await s3.putPublicAccessBlock({ Bucket, PublicAccessBlockConfiguration: { RestrictPublicBuckets: true } });
    assert.equal((await plain(`/${Bucket}/open/a`)).status, 403);
  });

  test("identity policies: a user may do what is allowed on a prefix, and nothing else", async () => {
    const Bucket = await bucket();
    const iam = new IAM(app.client);
    await iam.createUser({ UserName: "reader" });
    const allow = (Action: string, Resource: string, Condition?: object) => ({
      Effect: "Allow",
      Action,
      Resource,
      ...(Condition ? { Condition } : {}),
    });
    const Statement = [
      allow("s3:GetObject", `arn:aws:s3:::${Bucket}/mine/*`),
      allow("s3:ListBucket", `arn:aws:s3:::${Bucket}`, { StringLike: { "s3:prefix": "mine/*" } }),
    ];
    await iam.putUserPolicy({
      UserName: "reader",
      PolicyName: "p",
      PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement }),
    });
    const { AccessKey } = await iam.createAccessKey({ UserName: "reader" });
    const reader = new S3({
      ...app.as({ accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" }),
      forcePathStyle: true,
    });
    await s3.putObject({ Bucket, Key: "mine/a", Body: "a" });
    await s3.putObject({ Bucket, Key: "other/a", Body: "a" });
    await reader.getObject({ Bucket, Key: "mine/a" });
    await reader.listObjectsV2({ Bucket, Prefix: "mine/" });
    for (const refused of [
      () => reader.getObject({ Bucket, Key: "other/a" }),
      () => reader.listObjectsV2({ Bucket }),
      () => reader.putObject({ Bucket, Key: "mine/a", Body: "b" }),
      () => reader.copyObject({ Bucket, Key: "mine/b", CopySource: `${Bucket}/mine/a` }),
      () => reader.deleteObject({ Bucket, Key: "mine/a" }),
      () => reader.getBucketPolicy({ Bucket }),
      () => reader.listBuckets(),
      () => reader.createBucket({ Bucket: "access-refused" }),
    ])
      await assert.rejects(refused(), code("AccessDenied"));
    await assert.rejects(
      reader.getObject({ Bucket, Key: "mine/none" }),
      code("AccessDenied"),
      "who may not list the bucket learns no names",
    );
    reader.destroy();
    iam.destroy();
  });

  test("presigned URLs: read and write for a while, by path and by host; altered or old ones are refused", async () => {
    const Bucket = await bucket();
    const presign = async (
      method: string,
      key: string,
      options: { host?: string; query?: Record<string, string>; at?: Date } = {},
    ) => {
      const signer = new SignatureV4({
        service: "s3",
        region: "us-east-1",
        credentials: app.client.credentials,
        sha256: Sha256 as never,
        uriEscapePath: false,
      });
      const host = options.host ?? new URL(app.endpoint).host;
      const path = options.host ? `/${key}` : `/${Bucket}/${key}`;
      const request = {
        method,
        protocol: "http:",
        hostname: host,
        path,
        headers: { host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
        query: options.query ?? {},
      };
      const signed = await signer.presign(request, {
        expiresIn: 60,
        ...(options.at ? { signingDate: options.at } : {}),
      });
      const query = Object.entries(signed.query ?? {}).map(
        ([name, value]) => `${name}=${encodeURIComponent(String(value))}`,
      );
      return `${path}?${query.join("&")}`;
    };
    assert.equal((await plain(await presign("PUT", "k"), { method: "PUT", body: "hello" })).status, 200);
    assert.equal((await plain(await presign("GET", "k"))).body, "hello");
    const host = `${Bucket}.s3.us-east-1.amazonaws.com`;
    assert.equal((await plain(await presign("GET", "k", { host }), { host })).body, "hello");
    const named = await plain(await presign("GET", "k", { query: { "response-content-disposition": "attachment" } }));
    assert.equal(named.headers["content-disposition"], "attachment");
    const meta = await presign("PUT", "m", { query: { "x-amz-meta-venue": "123" } });
    assert.equal((await plain(meta, { method: "PUT", body: "hello" })).status, 200);
    const got = await plain(await presign("GET", "m"));
    assert.equal(got.headers["x-amz-meta-venue"], "123", "what the URL says counts as a header");
    const french = { "response-content-disposition": "attachment; filename=\u00e9t\u00e9" };
    const letters = await plain(await presign("GET", "k", { query: french }));
    assert.deepEqual([letters.status, letters.headers["content-disposition"]], [200, Object.values(french)[0]]);
    const once = await presign("PUT", "once", { query: { "If-None-Match": "*" } });
    assert.equal((await plain(once, { method: "PUT", body: "1" })).status, 200);
    assert.equal((await plain(once, { method: "PUT", body: "2" })).status, 412);
    const url = await presign("GET", "k");
    assert.equal((await plain(url.replace("/k?", "/other?"))).status, 403);
    assert.equal((await plain(url, { method: "DELETE" })).status, 403);
    assert.equal((await plain(await presign("GET", "k", { at: new Date(Date.now() - 120_000) }))).status, 403);
  });

  test("URLs presigned by the old algorithm, as boto3 makes them: read and write; altered or late ones are refused", async () => {
    const Bucket = await bucket();
    const { accessKeyId, secretAccessKey } = app.client.credentials;
    const presign = (method: string, resource: string, seconds = 60, contentType = "") => {
      const expires = Math.floor(Date.now() / 1000) + seconds;
      const text = [method, "", contentType, expires, resource].join("\n");
      const signature = createHmac("sha1", secretAccessKey).update(text).digest("base64");
      const query = `AWSAccessKeyId=${accessKeyId}&Signature=${encodeURIComponent(signature)}&Expires=${expires}`;
      return `${resource}${resource.includes("?") ? "&" : "?"}${query}`;
    };
    const path = `/${Bucket}/old%20way`;
    assert.equal((await plain(presign("PUT", path), { method: "PUT", body: "hello" })).status, 200);
    assert.equal((await plain(presign("GET", path))).body, "hello");
    const host = `${Bucket}.s3.us-east-1.amazonaws.com`;
    assert.equal((await plain(presign("GET", path).slice(Bucket.length + 1), { host })).body, "hello");
    const named = await plain(presign("GET", `${path}?response-content-type=image/jpeg`));
    assert.equal(named.headers["content-type"], "image/jpeg");
    assert.match((await plain(presign("GET", path, -1))).body, /<Code>AccessDenied<.*Request has expired/s);
    assert.match((await plain(presign("GET", path).replace("old", "other"))).body, /<Code>SignatureDoesNotMatch</);
    assert.equal((await plain(presign("GET", path), { method: "DELETE" })).status, 403);
    for (const more of ["attributes", "legal-hold", "retention"])
      assert.match((await plain(`${presign("GET", path)}&${more}`)).body, /<Code>SignatureDoesNotMatch</, more);
    const ofFolder = presign("GET", `/${Bucket}/folder/`).replace(`/${Bucket}/folder/`, "/folder");
    assert.match((await plain(ofFolder, { host })).body, /<Code>SignatureDoesNotMatch</);
    assert.match(
      (await plain(presign("GET", path).replace(accessKeyId, "AKIANOBODY"))).body,
      /<Code>InvalidAccessKeyId</,
    );
  });

  test("headers signed by the old algorithm", async () => {
    const Bucket = await bucket();
    const { accessKeyId, secretAccessKey } = app.client.credentials;
    const send = (method: string, path: string, at = Date.now(), body?: string) => {
      const date = new Date(at).toUTCString();
      const headers = { "content-type": "text/plain", "x-amz-meta-b": "2", "x-amz-meta-a": "1" };
      const signed = `x-amz-meta-a:1\nx-amz-meta-b:2\n${path}`;
      const text = [method, "", headers["content-type"], date, signed].join("\n");
      const signature = createHmac("sha1", secretAccessKey).update(text).digest("base64");
      const authorization = `AWS ${accessKeyId}:${signature}`;
      return plain(path, { method, headers: { ...headers, date, authorization }, ...(body ? { body } : {}) });
    };
    assert.equal((await send("PUT", `/${Bucket}/k`, Date.now(), "hello")).status, 200);
    assert.equal((await send("GET", `/${Bucket}/k`)).body, "hello");
    assert.deepEqual((await s3.headObject({ Bucket, Key: "k" })).Metadata, { a: "1", b: "2" });
    assert.equal((await send("GET", `/${Bucket}`)).status, 200);
    assert.match((await send("GET", `/${Bucket}/k`, Date.now() - 3_600_000)).body, /<Code>RequestTimeTooSkewed</);
    const headers = { date: new Date().toUTCString(), authorization: `AWS ${accessKeyId}:AAAA` };
    assert.match((await plain(`/${Bucket}/k`, { headers })).body, /<Code>SignatureDoesNotMatch</);
  });

  test("websites: index, folders, error page, redirects, by host", async () => {
    const Bucket = await bucket();
    const host = `${Bucket}.s3-website-us-east-1.localhost`;
    assert.equal((await plain("/", { host })).status, 404);
    await s3.putBucketWebsite({
      Bucket,
      WebsiteConfiguration: {
        IndexDocument: { Suffix: "index.html" },
        ErrorDocument: { Key: "oops.html" },
        RoutingRules: [{ Condition: { KeyPrefixEquals: "old/" }, Redirect: { ReplaceKeyPrefixWith: "new/" } }],
      },
    });
    await openToPublic(Bucket);
    const put = (Key: string, Body: string, more = {}) =>
      s3.putObject({ Bucket, Key, Body, ACL: "public-read", ContentType: "text/html", ...more });
    await put("index.html", "home");
    await put("docs/index.html", "docs");
    await put("oops.html", "oops");
    await put("moved", "", { WebsiteRedirectLocation: "/index.html" });
    const visit = async (path: string, where = host): Promise<unknown[]> => {
      const { status, body, headers } = await plain(path, { host: where });
      return [status, headers.location ?? body];
    };
    assert.deepEqual(await visit("/"), [200, "home"]);
    assert.deepEqual(await visit("/docs/"), [200, "docs"]);
    assert.deepEqual(await visit("/docs"), [302, "/docs/"]);
    assert.deepEqual(await visit("/none"), [403, "oops"]);
    assert.deepEqual(await visit("/moved"), [301, "/index.html"]);
    assert.deepEqual(await visit("/old/x", `${Bucket}.s3-website.us-east-1.amazonaws.com`), [
      301,
      `http://${Bucket}.s3-website.us-east-1.amazonaws.com/new/x`,
    ]);
    const refused = await plain("/", { host, method: "POST" });
    assert.equal(refused.status, 405);
    assert.match(refused.body, /<h1>405 Method Not Allowed<\/h1>[^]*<li>Method: POST<\/li>[^]*<li>RequestId: /);
    const Redirect = { Protocol: "gopher" as "http" };
    const WebsiteConfiguration = { IndexDocument: { Suffix: "i" }, RoutingRules: [{ Redirect }] };
    await assert.rejects(s3.putBucketWebsite({ Bucket, WebsiteConfiguration }), code("InvalidRequest"));
    await s3.putBucketAcl({ Bucket, ACL: "public-read" });
    assert.deepEqual(await visit("/none"), [404, "oops"]);
    const first = await plain("/", { host });
    assert.equal((await plain("/", { host, headers: { "if-none-match": String(first.headers.etag) } })).status, 304);
  });

  test("CORS: preflight and the answers to browsers follow the bucket's rules", async () => {
    const Bucket = await bucket();
    const preflight = (origin: string, method: string, headers = "") =>
      plain(`/${Bucket}/k`, {
        method: "OPTIONS",
        headers: {
          origin,
          "access-control-request-method": method,
          ...(headers ? { "access-control-request-headers": headers } : {}),
        },
      });
    const closed = await preflight("http://a.example", "PUT");
    assert.equal(closed.status, 403);
    assert.match(closed.body, /<Method>PUT<\/Method><ResourceType>BUCKET<\/ResourceType>/);
    await s3.putBucketCors({
      Bucket,
      CORSConfiguration: {
        CORSRules: [
          {
            AllowedOrigins: ["http://*.example"],
            AllowedMethods: ["GET", "PUT"],
            AllowedHeaders: ["x-*"],
            ExposeHeaders: ["ETag"],
            MaxAgeSeconds: 60,
          },
        ],
      },
    });
    const yes = await preflight("http://a.example", "PUT", "X-One");
    assert.deepEqual(
      [yes.status, yes.headers["access-control-allow-origin"], yes.headers["access-control-max-age"]],
      [200, "http://a.example", "60"],
    );
    assert.equal((await preflight("http://a.other", "PUT")).status, 403);
    assert.equal((await preflight("http://a.example", "DELETE")).status, 403);
    assert.equal((await preflight("http://a.example", "PUT", "y-one")).status, 403);
    await openToPublic(Bucket);
    await s3.putObject({ Bucket, Key: "k", Body: "x", ACL: "public-read" });
    const got = await plain(`/${Bucket}/k`, { headers: { origin: "http://a.example" } });
    assert.equal(got.headers["access-control-allow-origin"], "http://a.example");
    assert.equal((await plain(`/${Bucket}/k`)).headers["access-control-allow-origin"], undefined);
    // A refusal says so too: else no page could read why.
    const hidden = await plain(`/${Bucket}/none`, { headers: { origin: "http://a.example" } });
    assert.deepEqual([hidden.status, hidden.headers["access-control-allow-origin"]], [403, "http://a.example"]);
  });
});
