import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { differences, errorView, noRecordings, recordings } from "../support/recorded.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";

const FILE = "s3/test_s3.snapshot.json";
const keyOf = (text: string) => ({
  SSECustomerAlgorithm: "AES256",
  SSECustomerKey: Buffer.from(text).toString("base64"),
  SSECustomerKeyMD5: createHash("md5").update(text).digest("base64"),
});
const key = keyOf("1234567890abcdef1234567890abcdef");
const other = keyOf("abcdef1234567890abcdef1234567890");
const short = keyOf("1234567890");
const { SSECustomerAlgorithm: _a, ...noAlgorithm } = key;
const { SSECustomerKey: _k, ...noKey } = key;

describe("S3 as recorded: keys that the customer brings", { skip: noRecordings }, () => {
  let app: TestApp;
  let s3: S3;
  const object = { Bucket: "recorded-keys", Key: "test-sse-c" };
  before(async () => {
    app = await startTestApp();
    s3 = new S3({ ...app.client, forcePathStyle: true });
    await s3.createBucket({ Bucket: object.Bucket });
    await s3.putObject({ ...object, Body: "test_data", ...key });
  });
  after(async () => {
    s3.destroy();
    await app.stop();
  });
  const refusal = async (recorded: any, work: Promise<unknown>): Promise<string[]> => {
    const error = await work.then(
      () => assert.fail("it was not refused"),
      (reason: any) => reason,
    );
    const { ArgumentName, ArgumentValue } = error;
    const view = errorView(error);
    return differences(recorded, { ...view, Error: { ...view["Error"], ArgumentName, ArgumentValue } });
  };

  test("what is stored", async () => {
    const recorded = recordings(FILE)("test_put_object_validation_sse_c");
    const put = (more: object) => s3.putObject({ ...object, Body: "test_data", ...more });
    const cases = {
      "put-obj-sse-c-both-encryption": { ...key, SSECustomerAlgorithm: "KMS", ServerSideEncryption: "AES256" },
      "put-obj-sse-c-wrong-algo": { ...key, SSECustomerAlgorithm: "KMS" },
      "put-obj-sse-c-no-algo": noAlgorithm,
      "put-obj-sse-c-no-key": noKey,
      "put-obj-sse-c-wrong-key-size": short,
    };
    for (const [name, more] of Object.entries(cases))
      assert.deepEqual(await refusal(recorded[name], put(more)), [], name);
  });

  test("what is read and copied", async () => {
    const get = (more: object) => s3.getObject({ ...object, ...more });
    const read = recordings(FILE)("test_object_retrieval_sse_c");
    assert.deepEqual(await refusal(read["get-obj-no-sse-c"], get({})), []);
    assert.deepEqual(await refusal(read["get-obj-sse-c-wrong-key"], get(other)), []);
    assert.deepEqual(await refusal(read["get-obj-sse-c-wrong-algo"], get({ ...key, SSECustomerAlgorithm: "KMS" })), []);
    const copied = recordings(FILE)("test_copy_object_with_sse_c");
    const CopySource = `${object.Bucket}/${object.Key}`;
    const copy = (more: object) => s3.copyObject({ ...object, Key: "to", CopySource, ...more });
    assert.deepEqual(await refusal(copied["copy-obj-no-src-sse-c"], copy(key)), []);
  });

  test("parts", async () => {
    const recorded = recordings(FILE)("test_multipart_upload_sse_c_validation");
    const begin = async (more: object) => {
      const { UploadId } = await s3.createMultipartUpload({ ...object, ...more });
      return (with_: object) => s3.uploadPart({ ...object, UploadId, PartNumber: 1, Body: "x", ...with_ });
    };
    const [open, sealed] = [await begin({}), await begin(key)];
    assert.deepEqual(await refusal(recorded["mpu-no-sse-c-upload-part-with-sse-c"], open(key)), []);
    assert.deepEqual(await refusal(recorded["mpu-sse-c-upload-part-no-sse-c"], sealed({})), []);
    assert.deepEqual(await refusal(recorded["mpu-sse-c-upload-part-wrong-sse-c"], sealed(other)), []);
  });
});
