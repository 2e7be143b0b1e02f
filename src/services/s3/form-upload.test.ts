import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { IAM } from "@aws-sdk/client-iam";
import { S3 } from "@aws-sdk/client-s3";
import { createContext } from "../../aws/context.ts";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";
import { formUploadRoute } from "./form-upload.ts";

const hmac = (key: string | Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
const Bucket = "forms";
const HOUR_MS = 3_600_000;

describe("S3 form uploads", () => {
  let app: TestApp;
  let s3: S3;
  before(async () => {
    app = await startTestApp();
    s3 = new S3({ ...app.client, forcePathStyle: true });
    await s3.createBucket({ Bucket });
  });
  after(async () => {
    s3.destroy();
    await app.stop();
  });

  interface Keys {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  }

  /** The fields of a form that its policy's signature lets be sent. */
  function signed(conditions: unknown[], options: { policy?: object; keys?: Keys } = {}): Record<string, string> {
    const keys = options.keys ?? (app.client.credentials as Keys);
    const amzDate = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
    const date = amzDate.slice(0, 8);
    const own = {
      "x-amz-algorithm": "AWS4-HMAC-SHA256",
      "x-amz-credential": `${keys.accessKeyId}/${date}/us-east-1/s3/aws4_request`,
      "x-amz-date": amzDate,
    };
    const expiration = new Date(Date.now() + HOUR_MS).toISOString();
    const all = [{ bucket: Bucket }, ...Object.entries(own).map(([name, value]) => ({ [name]: value })), ...conditions];
    const policy = Buffer.from(JSON.stringify(options.policy ?? { expiration, conditions: all })).toString("base64");
    const key = ["us-east-1", "s3", "aws4_request"].reduce(hmac, hmac(`AWS4${keys.secretAccessKey}`, date));
    return { ...own, policy, "x-amz-signature": hmac(key, policy).toString("hex") };
  }

  async function post(fields: Record<string, string>, file: string | Blob = "hello", host?: string) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", new Blob([file]), "photo of us.txt");
    const response = await fetch(`${app.endpoint}/${Bucket}`, {
      method: "POST",
      body: form,
      redirect: "manual",
      ...(host ? { headers: { host } } : {}),
    });
    return { status: response.status, headers: response.headers, body: await response.text() };
  }
  const read = async (Key: string) => {
    const object = await s3.getObject({ Bucket, Key });
    return { ...object, text: await object.Body!.transformToString() };
  };
  const refused = async (answer: ReturnType<typeof post>, status: number, code: string, words?: RegExp) => {
    const { status: got, body } = await answer;
    assert.deepEqual([got, /<Code>(.*?)<\/Code>/.exec(body)?.[1]], [status, code], body);
    if (words) assert.match(body, words);
  };

  test("a form without a key, and one with an empty key", async () => {
    await refused(post({}), 400, "InvalidArgument", /must contain a field named 'key'/);
    await refused(post({ key: "" }), 400, "InvalidArgument", /User key must have a length greater than 0\./);
  });

  test("a file with what the form says of it is stored; the answer is as the form asks", async () => {
    const conditions = [
      ["starts-with", "$key", "in/"],
      { acl: "bucket-owner-full-control" },
      ["starts-with", "$Content-Type", "text/"],
      ["starts-with", "$x-amz-meta-from", ""],
      ["content-length-range", 1, 1_000_000],
      ["eq", "$success_action_status", "201"],
      ["starts-with", "$tagging", ""],
    ];
    const fields = {
      key: "in/${filename}",
      acl: "bucket-owner-full-control",
      "Content-Type": "text/plain",
      "x-amz-meta-from": "a form",
      success_action_status: "201",
      tagging: "<Tagging><TagSet><Tag><Key>a</Key><Value>b c</Value></Tag></TagSet></Tagging>",
      "x-ignore-this": "1",
    };
    const { status, headers, body } = await post({ ...fields, ...signed(conditions) });
    assert.equal(status, 201, body);
    const Key = "in/photo of us.txt";
    const stored = await read(Key);
    assert.equal(stored.text, "hello");
    assert.deepEqual([stored.ContentType, stored.Metadata], ["text/plain", { from: "a form" }]);
    assert.equal(headers.get("etag"), stored.ETag);
    assert.ok(headers.get("x-amz-checksum-crc64nvme"));
    assert.match(
      body,
      /<PostResponse><Location>http:[^<]*\/forms\/in\/photo%20of%20us\.txt<\/Location><Bucket>forms<\/Bucket><Key>in\/photo of us\.txt<\/Key><ETag>&quot;/,
    );
    assert.deepEqual((await s3.getObjectTagging({ Bucket, Key })).TagSet, [{ Key: "a", Value: "b c" }]);
    const plain = [["starts-with", "$key", ""]];
    assert.equal((await post({ key: "204", ...signed(plain) })).status, 204);
    const to = { key: "303", success_action_redirect: "http://example.com/done?x=1" };
    const moved = await post({
      ...to,
      ...signed([...plain, ["starts-with", "$success_action_redirect", "http://example.com/"]]),
    });
    assert.equal(moved.status, 303);
    const query = new URL(moved.headers.get("location")!).searchParams;
    assert.deepEqual([query.get("x"), query.get("bucket"), query.get("key")], ["1", Bucket, "303"]);
    assert.match(query.get("etag")!, /^"\w{32}"$/);
  });

  test("names of fields in any case, and the older signature", async () => {
    const { accessKeyId, secretAccessKey } = app.client.credentials as Keys;
    const expiration = new Date(Date.now() + HOUR_MS).toISOString();
    const text = { expiration, conditions: [{ bucket: Bucket }, ["StArTs-WiTh", "$KeY", "old"]] };
    const policy = Buffer.from(JSON.stringify(text)).toString("base64");
    const signature = createHmac("sha1", secretAccessKey).update(policy).digest("base64");
    const fields = { KEY: "old", AWSAccessKeyId: accessKeyId, Signature: signature, pOLICy: policy };
    assert.equal((await post(fields)).status, 204);
    assert.equal((await read("old")).text, "hello");
  });

  test("what the policy does not let be sent is refused, and nothing is stored", async () => {
    const key = "refused";
    const exactly = [["eq", "$key", key]];
    await refused(
      post({ key: "other", ...signed(exactly) }),
      403,
      "AccessDenied",
      /Policy Condition failed: \[&quot;eq&quot;, ?&quot;\$key&quot;/,
    );
    await refused(
      post({ key, acl: "public-read", ...signed(exactly) }),
      403,
      "AccessDenied",
      /Extra input fields: acl/,
    );
    await refused(post({ key, ...signed([...exactly, ["content-length-range", 10, 20]]) }), 400, "EntityTooSmall");
    await refused(post({ key, ...signed([...exactly, ["content-length-range", 0, 4]]) }), 400, "EntityTooLarge");
    const big = "x".repeat(3_000_000);
    await refused(
      post({ key, ...signed([...exactly, ["content-length-range", 0, 2_000_000]]) }, big),
      400,
      "EntityTooLarge",
    );
    // Refused for another reason before anybody reads the file, which is too large as well.
    const acl = { acl: "public-read", ...signed([...exactly, { acl: "public-read" }, ["content-length-range", 0, 4]]) };
    await refused(post({ key, ...acl }), 400, "AccessControlListNotSupported");
    const over = { expiration: new Date(Date.now() - 1000).toISOString(), conditions: exactly };
    await refused(post({ key, ...signed([], { policy: over }) }), 403, "AccessDenied", /Policy expired/);
    for (const policy of [
      { conditions: exactly },
      { expiration: "soon", conditions: exactly },
      { expiration: over.expiration },
      { EXPIRATION: over.expiration, conditions: exactly },
      { expiration: over.expiration, conditions: [{}] },
      { expiration: over.expiration, conditions: [{ bucket: Bucket, key }] },
      { expiration: over.expiration, conditions: [["content-length-range", 0]] },
      { expiration: over.expiration, conditions: [["content-length-range", -1, 0]] },
      { expiration: over.expiration, conditions: [["matches", "$key", "x"]] },
    ])
      await refused(post({ key, ...signed([], { policy }) }), 400, "InvalidPolicyDocument");
    await assert.rejects(read(key), { name: "NoSuchKey" });
  });

  test("signatures: altered, of unknown keys, missing; strangers; a user without the permission", async () => {
    const key = "signed";
    const good = signed([{ key }]);
    await refused(post({ key, ...good, policy: signed([]).policy! }), 403, "SignatureDoesNotMatch");
    const unknown = { accessKeyId: "AKIAUNKNOWN000000000", secretAccessKey: "x" };
    await refused(post({ key, ...signed([{ key }], { keys: unknown }) }), 403, "InvalidAccessKeyId");
    const { "x-amz-signature": _signature, ...unsigned } = good;
    await refused(post({ key, ...unsigned }), 400, "InvalidArgument", /X-Amz-Signature/);
    await refused(post({ ...good }), 400, "InvalidArgument", /named 'key'/);
    await refused(post({ key }), 403, "AccessDenied");
    const iam = new IAM(app.client);
    await iam.createUser({ UserName: "form" });
    const { AccessKey } = await iam.createAccessKey({ UserName: "form" });
    const keys = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
    await refused(post({ key, ...signed([{ key }], { keys }) }), 403, "AccessDenied");
  });

  test("a bucket that everybody may write takes a stranger's form, with the list that it names", async () => {
    const Open = "forms-for-all";
    await s3.createBucket({ Bucket: Open, ObjectOwnership: "ObjectWriter" });
    await s3.deletePublicAccessBlock({ Bucket: Open });
    await s3.putBucketAcl({ Bucket: Open, ACL: "public-read-write" });
    const form = new FormData();
    for (const [name, value] of [
      ["key", "k"],
      ["acl", "public-read"],
      ["file", "hello"],
    ])
      form.append(name!, value!);
    assert.equal((await fetch(`${app.endpoint}/${Open}/`, { method: "POST", body: form })).status, 204);
    assert.equal(await (await fetch(`${app.endpoint}/${Open}/k`)).text(), "hello");
  });

  test("forms that are none: too many fields, no file, a body that breaks off", async () => {
    await refused(
      post({ key: "k", "x-amz-meta-a": "x".repeat(21_000), ...signed([]) }),
      400,
      "MaxPostPreDataLengthExceeded",
    );
    const send = (body: string, type = "multipart/form-data; boundary=b") =>
      fetch(`${app.endpoint}/${Bucket}`, { method: "POST", body, headers: { "content-type": type } }).then(
        async (r) => [r.status, await r.text()] as const,
      );
    const [status, text] = await send('--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--b--\r\n');
    assert.equal(status, 400, text);
    assert.equal((await send("x", "multipart/form-data"))[0], 400);
    const [broken, why] = await send('--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk');
    assert.equal(broken, 400, why);
    // A client that goes away in the middle of its file stores nothing and holds nobody up.
    const { hostname, port } = new URL(app.endpoint);
    const socket = connect(Number(port), hostname);
    const parts = Object.entries({ key: "half", ...signed([{ key: "half" }]) }).map(
      ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
    );
    const file = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nhalf of it';
    const head = `POST /${Bucket} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n`;
    await new Promise((resolve) => socket.write(head + parts.join("") + file, resolve));
    socket.destroy();
    await assert.rejects(read("half"), { name: "NoSuchKey" });
  });

  test("the wait for a file ends where the client goes away before it", async () => {
    const { platform, registry } = app.running;
    const principal = { kind: "anonymous", account: "000000000000" } as const;
    const ctx = createContext(platform, registry, {
      service: "s3",
      account: "000000000000",
      region: "us-east-1",
      principal,
    });
    const [handled, done] = [Promise.withResolvers<void>(), AbortSignal.timeout(10_000)];
    const server = createServer((request, response) => {
      formUploadRoute.handle!(ctx, { bucket: Bucket }, request, response).then(handled.resolve, handled.reject);
      request.once("data", () => socket.destroy());
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    const head = "POST /forms HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n";
    socket.write(`${head}Content-Length: 1000\r\n\r\n--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nk`);
    done.addEventListener("abort", () => handled.reject(new Error("still waiting")));
    await handled.promise;
    server.close();
  });
});
