import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { startTestApp, type TestApp } from "../../../test/support/test-app.ts";

const DAY = 86_400_000;

const everybody = (bucket: string): string => {
  const Resource = [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`];
  return JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Principal: "*", Action: "s3:*", Resource },
  });
};

describe("S3's answers, word for word", () => {
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
  const bucket = async (status?: "Enabled" | "Suspended"): Promise<string> => {
    const Bucket = `answers-${buckets++}`;
    await s3.createBucket({ Bucket });
    if (status) await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: status } });
    return Bucket;
  };
  const refusal = async (call: Promise<unknown>, code: string, status: number, fields: object = {}): Promise<void> => {
    const error: any = await call.then(
      () => assert.fail(`${code} was expected`),
      (thrown: unknown) => thrown,
    );
    assert.deepEqual([error.name, error.$metadata?.httpStatusCode], [code, status], String(error));
    const known = Object.fromEntries(Object.keys(fields).map((name) => [name, error[name] ?? error.Error?.[name]]));
    assert.deepEqual(known, fields);
    assert.equal(error.Resource ?? error.Error?.Resource, undefined);
  };

  test("versions that never were are invalid, those that are gone are not there", async () => {
    const Bucket = await bucket("Enabled");
    const put = await s3.putObject({ Bucket, Key: "k", Body: "x" });
    const VersionId = String(put.VersionId);
    assert.match(VersionId, /^[A-Za-z0-9._]{32}$/);
    const never = "HPniJFCxqTsMuIH9KX8K8wEjNUgmABCD";
    await refusal(s3.getObject({ Bucket, Key: "k", VersionId: never }), "InvalidArgument", 400, {
      ArgumentName: "versionId",
      ArgumentValue: never,
    });
    await refusal(s3.deleteObject({ Bucket, Key: "k", VersionId: never }), "InvalidArgument", 400);
    const several = await s3.deleteObjects({ Bucket, Delete: { Objects: [{ Key: "k", VersionId: never }] } });
    assert.deepEqual([several.Deleted, several.Errors?.[0]?.Code], [undefined, "NoSuchVersion"]);
    await s3.deleteObject({ Bucket, Key: "k", VersionId });
    await refusal(s3.getObject({ Bucket, Key: "k", VersionId }), "NoSuchVersion", 404);
    assert.equal((await s3.deleteObject({ Bucket, Key: "k", VersionId })).VersionId, VersionId);
  });

  test("an upload that another write overtook is a conflict where it has a condition", async () => {
    const Bucket = await bucket();
    await s3.putObject({ Bucket, Key: "k", Body: "one" });
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "k" });
    const part = await s3.uploadPart({ Bucket, Key: "k", UploadId, PartNumber: 1, Body: "part" });
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] };
    const { ETag } = await s3.putObject({ Bucket, Key: "k", Body: "two" });
    const input = { Bucket, Key: "k", UploadId, MultipartUpload };
    await refusal(s3.completeMultipartUpload({ ...input, IfMatch: '"0"' }), "PreconditionFailed", 412);
    await refusal(s3.completeMultipartUpload({ ...input, IfMatch: ETag }), "ConditionalRequestConflict", 409);
    await s3.completeMultipartUpload(input);
  });

  test("a page begins behind the common prefix that its marker lies in, and a folder's own key ends only itself", async () => {
    const Bucket = await bucket();
    const keys = ["f/", "f/a/1", "f/a/2", "f/b"];
    await Promise.all(keys.map((Key) => s3.putObject({ Bucket, Key, Body: "" })));
    const within = { Bucket, Prefix: "f/", Delimiter: "/" };
    const behind = await s3.listObjects({ ...within, Marker: "f/a/1" });
    assert.deepEqual([behind.Contents?.map(({ Key }) => Key), behind.CommonPrefixes], [["f/b"], undefined]);
    const first = await s3.listObjectsV2({ ...within, MaxKeys: 1 });
    const { NextContinuationToken: ContinuationToken } = first;
    const next = await s3.listObjectsV2({ ...within, ...(ContinuationToken ? { ContinuationToken } : {}) });
    assert.deepEqual(next.CommonPrefixes, [{ Prefix: "f/a/" }]);
    assert.deepEqual(
      next.Contents?.map(({ Key }) => Key),
      ["f/b"],
    );
    assert.ok(next.Contents?.every(({ LastModified }) => LastModified && LastModified.getTime() % 1000 === 0));
  });

  test("lists of uploads say where they ended, and who began what", async () => {
    const Bucket = await bucket();
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "k" });
    await s3.uploadPart({ Bucket, Key: "k", UploadId, PartNumber: 1, Body: "part" });
    const { NextKeyMarker, NextUploadIdMarker, Uploads, Prefix } = await s3.listMultipartUploads({ Bucket });
    assert.deepEqual([NextKeyMarker, NextUploadIdMarker, Prefix], ["k", UploadId, undefined]);
    assert.ok(Uploads?.[0]?.Initiator?.ID);
  });

  test("pages go on where the version that ended one is gone, and not from another key's upload", async () => {
    const Bucket = await bucket("Enabled");
    for (const Body of ["1", "2", "3"]) await s3.putObject({ Bucket, Key: "k", Body });
    const first = await s3.listObjectVersions({ Bucket, MaxKeys: 2 });
    const VersionIdMarker = String(first.NextVersionIdMarker);
    await s3.deleteObject({ Bucket, Key: "k", VersionId: VersionIdMarker });
    const rest = await s3.listObjectVersions({ Bucket, KeyMarker: "k", VersionIdMarker });
    assert.equal(rest.Versions?.length, 1);
    assert.ok(!first.Versions?.some(({ VersionId }) => VersionId === rest.Versions?.[0]?.VersionId));
    const { UploadId: UploadIdMarker } = await s3.createMultipartUpload({ Bucket, Key: "a" });
    await refusal(s3.listMultipartUploads({ Bucket, KeyMarker: "b", UploadIdMarker }), "InvalidArgument", 400);
  });

  test("ACLs that say not whose or of what kind are malformed", async () => {
    const Bucket = await bucket();
    await s3.deleteBucketOwnershipControls({ Bucket });
    const { Owner } = await s3.getBucketAcl({ Bucket });
    const put = (AccessControlPolicy: object, more: object = {}) =>
      s3.putBucketAcl({ Bucket, AccessControlPolicy, ...more });
    const grant = (Grantee: object) => [{ Grantee: Grantee as any, Permission: "READ" as const }];
    const Grants = grant({ Type: "CanonicalUser", ID: Owner?.ID });
    await refusal(put({ Grants }), "MalformedACLError", 400);
    await refusal(put({ Owner, Grants: grant({ Type: "Other", ID: Owner?.ID }) }), "MalformedACLError", 400);
    await refusal(put({ Owner, Grants }, { ACL: "private" }), "UnexpectedContent", 400);
    await put({ Owner, Grants });
  });

  test("rules that end objects are told with them", async () => {
    const Bucket = await bucket();
    const rule = { Status: "Enabled" as const, Filter: { Prefix: "t" } };
    const put = (...Rules: object[]) =>
      s3.putBucketLifecycleConfiguration({ Bucket, LifecycleConfiguration: { Rules: Rules as any } });
    await put({ ...rule, ID: "slow", Expiration: { Days: 9 } }, { ...rule, ID: "quick one", Expiration: { Days: 3 } });
    const { Expiration = "" } = await s3.putObject({ Bucket, Key: "temp", Body: "x" });
    const [, date = "", id] = /^expiry-date="([^"]+)", rule-id="([^"]+)"$/.exec(Expiration) ?? [];
    assert.equal(id, "quick%20one");
    const left = new Date(date).getTime() - Date.now();
    assert.ok(left > 3 * DAY && left <= 4 * DAY && new Date(date).getTime() % DAY === 0, date);
    assert.equal((await s3.headObject({ Bucket, Key: "temp" })).Expiration, Expiration);
    const named = await s3.headObject({ Bucket, Key: "temp", VersionId: "null" });
    assert.equal(named.Expiration, undefined, "who names the version knows which one it is");
    assert.equal((await s3.putObject({ Bucket, Key: "other", Body: "x" })).Expiration, undefined);
    const kept = await s3.getBucketLifecycleConfiguration({ Bucket });
    assert.equal(kept.TransitionDefaultMinimumObjectSize, "all_storage_classes_128K");
    const Expires = { Days: 1 };
    await refusal(put({ Status: "Enabled", ID: "none", Expiration: Expires }), "MalformedXML", 400);
    await refusal(put({ ...rule, ID: "x".repeat(256), Expiration: Expires }), "InvalidArgument", 400);
    await refusal(put({ ...rule, Expiration: { Date: new Date("2030-01-01T02:00:00Z") } }), "InvalidArgument", 400, {
      ArgumentName: "Date",
    });
    await refusal(
      put({ ...rule, Filter: { Prefix: "", ObjectSizeGreaterThan: 5 }, Expiration: Expires }),
      "MalformedXML",
      400,
    );
  });

  test("metadata beyond ASCII travels as encoded words, in both directions", async () => {
    const Bucket = await bucket();
    const words = {
      word: "=?UTF-8?B?w6TigKY=?=",
      mostly: "=?UTF-8?B?bW9zdGx5IHBsYWluIMOk?=",
      plain: "=?UTF-8?Q?only_ascii?=",
      raw: "a b",
    };
    await s3.putObject({ Bucket, Key: "k", Metadata: words });
    const { Metadata } = await s3.headObject({ Bucket, Key: "k" });
    assert.deepEqual(Metadata, {
      word: "=?UTF-8?B?w6TigKY=?=",
      mostly: "=?UTF-8?Q?mostly_plain_=C3=A4?=",
      plain: "only ascii",
      raw: "a b",
    });
  });

  test("a part's own checksum is told where the upload has an algorithm; ranges of all have the object's", async () => {
    const Bucket = await bucket();
    const upload = async (Key: string, more: object): Promise<void> => {
      const { UploadId } = await s3.createMultipartUpload({ Bucket, Key, ...more });
      const part = await s3.uploadPart({
        Bucket,
        Key,
        UploadId,
        PartNumber: 1,
        Body: "part",
        ChecksumAlgorithm: "CRC32",
      });
      assert.ok(part.ChecksumCRC32);
      const Parts = [{ PartNumber: 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 }];
      await s3.completeMultipartUpload({ Bucket, Key, UploadId, MultipartUpload: { Parts } });
    };
    await upload("composite", { ChecksumAlgorithm: "CRC32" });
    await upload("full", { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" });
    const attributes = (Key: string) => s3.getObjectAttributes({ Bucket, Key, ObjectAttributes: ["ObjectParts"] });
    assert.ok((await attributes("composite")).ObjectParts?.Parts?.[0]?.ChecksumCRC32);
    assert.deepEqual((await attributes("full")).ObjectParts, { TotalPartsCount: 1 });
    await s3.putObject({ Bucket, Key: "k", Body: "0123456789", ChecksumAlgorithm: "CRC32" });
    const ranged = (Range: string) => s3.headObject({ Bucket, Key: "k", Range, ChecksumMode: "ENABLED" });
    assert.ok((await ranged("bytes=0-100")).ChecksumCRC32);
    assert.equal((await ranged("bytes=1-100")).ChecksumCRC32, undefined);
  });

  test("parts copied from a range: both ends, within the source", async () => {
    const Bucket = await bucket();
    await s3.putObject({ Bucket, Key: "from", Body: "0123456789" });
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "k" });
    const copy = (CopySourceRange: string) =>
      s3.uploadPartCopy({ Bucket, Key: "k", UploadId, PartNumber: 1, CopySource: `${Bucket}/from`, CopySourceRange });
    for (const range of ["0-8", "bytes=1-", "bytes=-2", "bytes=3-1", "bytes=0-1,3-4", "bytes=0-10"])
      await refusal(copy(range), "InvalidArgument", 400, { ArgumentValue: range });
    await refusal(copy("bytes=10-20"), "InvalidRequest", 400);
    assert.equal((await copy("bytes=0-9")).CopyPartResult?.ETag, (await s3.headObject({ Bucket, Key: "from" })).ETag);
  });

  test("keys of KMS need its encryption, and are told of parts too", async () => {
    const Bucket = await bucket();
    await refusal(s3.putObject({ Bucket, Key: "k", SSEKMSKeyId: "some-key" }), "InvalidArgument", 400);
    const kms = { ServerSideEncryption: "aws:kms" as const, SSEKMSKeyId: "some-key", BucketKeyEnabled: true };
    const { UploadId, SSEKMSKeyId, BucketKeyEnabled } = await s3.createMultipartUpload({ Bucket, Key: "k", ...kms });
    assert.deepEqual([SSEKMSKeyId, BucketKeyEnabled], ["some-key", true]);
    const part = await s3.uploadPart({ Bucket, Key: "k", UploadId, PartNumber: 1, Body: "x" });
    assert.deepEqual([part.ServerSideEncryption, part.SSEKMSKeyId], ["aws:kms", "some-key"]);
  });

  test("an object copied upon itself must change; a suspended bucket's copy is the null version", async () => {
    const Bucket = await bucket("Enabled");
    await s3.putObject({ Bucket, Key: "k", Body: "x" });
    const self = { Bucket, Key: "k", CopySource: `${Bucket}/k` };
    await refusal(s3.copyObject(self), "InvalidRequest", 400);
    await s3.putBucketVersioning({ Bucket, VersioningConfiguration: { Status: "Suspended" } });
    const copied = await s3.copyObject({ ...self, MetadataDirective: "REPLACE" });
    assert.equal(copied.VersionId, "null");
    await s3.deleteObject({ Bucket, Key: "k" });
    await refusal(s3.getObjectTagging({ Bucket, Key: "k" }), "MethodNotAllowed", 405);
  });

  test("settings: ownership, encryption, owners and tags that cannot be", async () => {
    const Bucket = await bucket();
    await s3.deleteBucketOwnershipControls({ Bucket });
    await refusal(s3.getBucketOwnershipControls({ Bucket }), "OwnershipControlsNotFoundError", 404);
    await refusal(s3.getBucketPolicy({ Bucket, ExpectedBucketOwner: "abcd" }), "InvalidBucketOwnerAWSAccountID", 400);
    const standard = { SSEAlgorithm: "AES256" as const, KMSMasterKeyID: "key" };
    const Rules = [{ ApplyServerSideEncryptionByDefault: standard }];
    await refusal(
      s3.putBucketEncryption({ Bucket, ServerSideEncryptionConfiguration: { Rules } }),
      "InvalidArgument",
      400,
    );
    for (const Tagging of ["a=1&a=2", "a=1,b=2=3"])
      await refusal(s3.putObject({ Bucket, Key: "k", Tagging }), "InvalidArgument", 400, {
        ArgumentName: "x-amz-tagging",
      });
    const TagSet = [{ Key: "aws:own", Value: "1" }];
    await refusal(s3.putBucketTagging({ Bucket, Tagging: { TagSet } }), "InvalidTag", 400, { TagKey: "aws:own" });
    await refusal(s3.listBuckets({ BucketRegion: "nowhere" }), "InvalidArgument", 400);
    await refusal(s3.listObjectsV2({ Bucket, ContinuationToken: "" }), "InvalidArgument", 400, {
      ArgumentValue: undefined,
    });
    await refusal(s3.getObjectTagging({ Bucket, Key: "none" }), "NoSuchKey", 404, { Key: `${Bucket}/none` });
    await refusal(s3.deleteObjectTagging({ Bucket, Key: "none" }), "NoSuchKey", 404, { Key: "none" });
    const regional = { BucketNamespace: "account-regional" } as const;
    await refusal(s3.createBucket({ Bucket: "xyz-an", ...regional }), "InvalidBucketNamespace", 400);
    await refusal(s3.createBucket({ Bucket: `${Bucket}-b`, ObjectOwnership: "" as never }), "InvalidArgument", 400, {
      ArgumentName: "x-amz-object-ownership",
    });
    const Europe = `${Bucket}-eu`;
    await s3.createBucket({ Bucket: Europe, CreateBucketConfiguration: { LocationConstraint: "EU" } });
    assert.equal((await s3.getBucketLocation({ Bucket: Europe })).LocationConstraint, "EU");
    assert.equal((await s3.headBucket({ Bucket: Europe })).BucketRegion, "eu-west-1");
    const tags = { CreateBucketConfiguration: { Tags: [{ Key: "a", Value: "1" }] } };
    await refusal(s3.createBucket({ Bucket, ...tags }), "BucketAlreadyOwnedByYou", 409);
  });

  test("times have milliseconds, and versions that cannot be read say what can be done with them", async () => {
    const Bucket = await bucket("Enabled");
    await s3.deletePublicAccessBlock({ Bucket });
    await s3.putObject({ Bucket, Key: "k", Body: "x" });
    const { VersionId } = await s3.deleteObject({ Bucket, Key: "k" });
    await s3.putBucketPolicy({ Bucket, Policy: everybody(Bucket) });
    const gone = await fetch(`${app.endpoint}/${Bucket}/k?versionId=${VersionId}`);
    assert.deepEqual([gone.status, gone.headers.get("allow")], [405, "DELETE"]);
    const versions = await (await fetch(`${app.endpoint}/${Bucket}?versions`)).text();
    assert.match(versions, /<LastModified>[\dT:-]+\.000Z</);
  });

  test("uploads of a key are listed as they began; numbers without digits count for nothing", async () => {
    const Bucket = await bucket();
    const begun: string[] = [];
    for (let i = 0; i < 8; i++) {
      begun.push(String((await s3.createMultipartUpload({ Bucket, Key: "k" })).UploadId));
      while (Date.now() === Number.parseInt(begun.at(-1)!.slice(0, 9), 36)); // two within a millisecond have no order
    }
    const { Uploads } = await s3.listMultipartUploads({ Bucket });
    assert.deepEqual(
      Uploads?.map(({ UploadId }) => UploadId),
      begun,
    );
    const list = { Bucket, Key: "k", UploadId: begun[0], MaxParts: "" as unknown as number, PartNumberMarker: "" };
    assert.equal((await s3.listParts(list)).MaxParts, 1000);
  });

  test("an upload that may replace nothing is a conflict where what it would replace was deleted", async () => {
    const Bucket = await bucket();
    await s3.putObject({ Bucket, Key: "k", Body: "one" });
    const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: "k" });
    const part = await s3.uploadPart({ Bucket, Key: "k", UploadId, PartNumber: 1, Body: "part" });
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] };
    const complete = () =>
      s3.completeMultipartUpload({ Bucket, Key: "k", UploadId, IfNoneMatch: "*", MultipartUpload });
    await refusal(complete(), "PreconditionFailed", 412);
    await s3.deleteObject({ Bucket, Key: "k" });
    await refusal(complete(), "ConditionalRequestConflict", 409, { Condition: "If-None-Match", Key: "k" });
  });

  test("grantees by email are not known, and an empty policy is none", async () => {
    const Bucket = await bucket();
    await s3.putBucketOwnershipControls({
      Bucket,
      OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] },
    });
    const { Owner } = await s3.getBucketAcl({ Bucket });
    const Grantee = { Type: "AmazonCustomerByEmail", EmailAddress: "nobody@example.com" } as const;
    const AccessControlPolicy = { Owner, Grants: [{ Grantee, Permission: "READ" as const }] };
    await refusal(s3.putBucketAcl({ Bucket, AccessControlPolicy }), "UnresolvableGrantByEmailAddress", 400);
    await refusal(s3.putBucketPolicy({ Bucket, Policy: "" }), "MalformedPolicy", 400);
  });

  test("what clients write in their own ways: spaces in sources, quotes of tags, settings without content", async () => {
    const Bucket = await bucket();
    const { ETag = "" } = await s3.putObject({ Bucket, Key: "a key", Body: "x" });
    assert.ok((await s3.copyObject({ Bucket, Key: "copy", CopySource: `${Bucket}%2Fa+key` })).CopyObjectResult?.ETag);
    const CopySource = `${app.client.endpoint}/${Bucket}/a%20key`;
    assert.ok((await s3.copyObject({ Bucket, Key: "copy", CopySource })).CopyObjectResult?.ETag);
    for (const IfMatch of [ETag, ETag.slice(1), ETag.slice(1, -1)])
      assert.equal((await s3.putObject({ Bucket, Key: "a key", Body: "x", IfMatch })).ETag, ETag);
    await refusal(s3.putPublicAccessBlock({ Bucket, PublicAccessBlockConfiguration: {} }), "InvalidRequest", 400);
    await refusal(s3.putObjectLockConfiguration({ Bucket }), "MissingRequestBodyError", 400);
    await refusal(s3.putBucketAcl({ Bucket, GrantReadACP: 'key="1"' }), "InvalidArgument", 400, {
      ArgumentName: "x-amz-grant-read-acp",
    });
    await refusal(s3.putBucketAcl({ Bucket }), "MissingSecurityHeader", 400);
    await refusal(s3.restoreObject({ Bucket, Key: "a key", RestoreRequest: { Days: 1 } }), "InvalidObjectState", 403, {
      StorageClass: "STANDARD",
    });
    const head = await fetch(`${app.endpoint}/${Bucket}`, { method: "HEAD" });
    assert.equal(head.headers.get("content-type"), "application/xml");
  });

  test("the text of answers: ids, the order of elements, and what strangers are not told", async () => {
    const Bucket = await bucket();
    await s3.putObject({ Bucket, Key: "k", Body: "x" });
    await s3.deletePublicAccessBlock({ Bucket });
    await s3.putBucketPolicy({ Bucket, Policy: everybody(Bucket) });
    const read = async (path: string) => {
      const answer = await fetch(`${app.client.endpoint}${path}`);
      return { headers: answer.headers, text: await answer.text() };
    };
    const { text } = await read(`/${Bucket}`);
    assert.match(
      text,
      /^<\?xml[^>]*>\n<ListBucketResult [^>]*><.*<Name>answers-.*<Contents>.*<\/Contents><\/ListBucketResult>$/,
    );
    assert.doesNotMatch(text, /<Owner>/);
    assert.ok((await s3.listObjects({ Bucket })).Contents![0]!.Owner);
    const location = await read(`/${Bucket}?location`);
    assert.match(location.text, /<LocationConstraint xmlns="[^"]+"\/>$/);
    const none = await read(`/${Bucket}/none`);
    const [, hostId] = /<HostId>(.+)<\/HostId>/.exec(none.text) ?? [];
    assert.equal(none.headers.get("x-amz-id-2"), hostId);
    assert.notEqual(none.headers.get("x-amz-request-id"), hostId);
    const WebsiteConfiguration = { IndexDocument: { Suffix: "index.html" }, RoutingRules: [] };
    await refusal(s3.putBucketWebsite({ Bucket, WebsiteConfiguration }), "MalformedXML", 400);
  });
});
