import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { S3 } from "@aws-sdk/client-s3";
import { differences, errorView, noRecordings, recordings } from "../support/recorded.ts";
import { startTestApp, type TestApp } from "../support/test-app.ts";

const OBJECTS = "s3/test_s3.snapshot.json";
const API = "s3/test_s3_api.snapshot.json";

describe("S3 as recorded: Object Lock", { skip: noRecordings }, () => {
  let app: TestApp;
  let s3: S3;
  const Bucket = "recorded-lock";
  const Free = "recorded-free";
  const soon = new Date(Date.now() + 3_600_000);
  before(async () => {
    app = await startTestApp();
    s3 = new S3({ ...app.client, forcePathStyle: true });
    await s3.createBucket({ Bucket, ObjectLockEnabledForBucket: true });
    await s3.createBucket({ Bucket: Free });
    for (const each of [Bucket, Free]) await s3.putObject({ Bucket: each, Key: "k", Body: "test" });
  });
  after(async () => {
    s3.destroy();
    await app.stop();
  });
  const refused = async (recorded: any, work: Promise<unknown>): Promise<void> => {
    const error = await work.then(
      () => assert.fail("it was not refused"),
      (reason: any) => reason,
    );
    // The member that an error is about is compared by its own cases.
    const ignore = ["ArgumentName", "ArgumentValue", "BucketName", "Key", "Type"];
    assert.deepEqual(differences(recorded, errorView(error), ignore), []);
  };

  test("configurations of buckets", async () => {
    const recorded = recordings(API)("test_put_object_lock_configuration_exc");
    const put = (ObjectLockConfiguration: any) => s3.putObjectLockConfiguration({ Bucket, ObjectLockConfiguration });
    const rule = (DefaultRetention: object) => put({ ObjectLockEnabled: "Enabled", Rule: { DefaultRetention } });
    await refused(recorded["put-lock-config-no-enabled"], put({ Rule: { DefaultRetention: { Mode: "GOVERNANCE" } } }));
    await refused(recorded["put-lock-config-empty-retention"], rule({}));
    await refused(recorded["put-lock-config-no-days"], rule({ Mode: "GOVERNANCE" }));
    await refused(recorded["put-lock-config-bad-mode"], rule({ Mode: "BAD-VALUE", Days: 1 }));
    await refused(recorded["put-lock-config-both-days-years"], rule({ Mode: "GOVERNANCE", Days: 1, Years: 1 }));
    const suspended = recordings(API)("test_disable_versioning_on_locked_bucket");
    const VersioningConfiguration = { Status: "Suspended" as const };
    await refused(
      suspended["disable-versioning-on-locked-bucket"],
      s3.putBucketVersioning({ Bucket, VersioningConfiguration }),
    );
    const none = recordings(API)("test_get_object_lock_configuration_exc");
    await refused(none["get-lock-config-no-enabled"], s3.getObjectLockConfiguration({ Bucket: Free }));
    const bypass = recordings(API)("test_delete_object_with_no_locking");
    const BypassGovernanceRetention = true;
    await refused(
      bypass["delete-object-bypass-no-lock"],
      s3.deleteObject({ Bucket: Free, Key: "k", BypassGovernanceRetention }),
    );
    const Delete = { Objects: [{ Key: "k" }] };
    await refused(
      bypass["delete-objects-bypass-no-lock"],
      s3.deleteObjects({ Bucket: Free, Delete, BypassGovernanceRetention }),
    );
  });

  test("retention and holds of objects", async () => {
    const recorded = recordings(OBJECTS)("test_s3_object_retention_exc");
    const object = { Bucket, Key: "k" };
    const put = (Retention: any, more: object = {}) => s3.putObjectRetention({ ...object, Retention, ...more });
    const governed = { Mode: "GOVERNANCE", RetainUntilDate: soon };
    await refused(recorded["put-object-retention-no-key"], put(governed, { Key: "non-existing-key" }));
    await refused(recorded["get-object-retention-never-set"], s3.getObjectRetention(object));
    await refused(recorded["put-object-missing-retention-fields"], put({ Mode: "GOVERNANCE" }));
    await put(governed);
    await refused(recorded["update-retention-no-bypass"], put({ ...governed, RetainUntilDate: new Date(+soon - 1e6) }));
    const past = put({ ...governed, RetainUntilDate: new Date("2020-01-01T00:00:00Z") });
    await assert.rejects(past, { ArgumentValue: recorded["update-retention-past-date"]?.["Error"].ArgumentValue });
    await refused(recorded["update-retention-bad-value"], put({ ...governed, Mode: "BAD-VALUE" }));
    await refused(recorded["put-object-retention-regular-bucket"], put(governed, { Bucket: Free }));
    await refused(recorded["get-object-retention-regular-bucket"], s3.getObjectRetention({ Bucket: Free, Key: "k" }));
    const modes = recordings(OBJECTS)("test_s3_object_lock_mode_validation");
    const store = (more: object) => s3.putObject({ ...object, Body: "", ...more });
    await refused(modes["put-obj-locked-error-no-retain-date"], store({ ObjectLockMode: "GOVERNANCE" }));
    await refused(modes["put-obj-locked-error-no-mode"], store({ ObjectLockRetainUntilDate: soon }));
    await refused(
      modes["put-obj-locked-bad-value"],
      store({ ObjectLockMode: "BAD-VALUE", ObjectLockRetainUntilDate: soon }),
    );
  });
});
