import { codeOf } from "../../../kernel/aws-error.ts";
import { ActionFailure, type ActionProvider } from "../action-run.ts";

/** An object of a versioned bucket as a source. */
export const s3Source: ActionProvider = {
  timeoutMinutes: 60,
  async run(action) {
    const { configuration, role, execution, outputs, run } = action;
    const Bucket = String(configuration["S3Bucket"]);
    const override = execution.sourceOverrides.find((one) => one.actionName === run.action);
    const Key =
      override?.revisionType === "S3_OBJECT_KEY" ? override.revisionValue : String(configuration["S3ObjectKey"]);
    const wanted = override?.revisionType === "S3_OBJECT_VERSION_ID" ? { VersionId: override.revisionValue } : {};
    const { Status } = await role.call("s3", "GetBucketVersioning", { Bucket });
    if (Status !== "Enabled")
      throw new ActionFailure(
        "ConfigurationError",
        `The source bucket ${Bucket} is not versioned: turn versioning on, so that a release always means one version`,
      );
    const head = await role.call("s3", "HeadObject", { Bucket, Key, ...wanted }).catch((error: unknown) => {
      if (!/NotFound|NoSuchKey/.test(codeOf(error) ?? "")) throw error;
      throw new ActionFailure("ConfigurationError", `The source object s3://${Bucket}/${Key} does not exist`);
    });
    const output = outputs[0]!;
    const version = head.VersionId ? `?versionId=${encodeURIComponent(head.VersionId)}` : "";
    const source = `${Bucket}/${Key.split("/").map(encodeURIComponent).join("/")}${version}`;
    await role.call("s3", "CopyObject", { Bucket: output.bucket, Key: output.key, CopySource: source });
    const id = head.VersionId ?? String(head.ETag);
    const changedAt = head.LastModified?.getTime();
    return {
      status: "Succeeded",
      outputs,
      summary: `Amazon S3 version id: ${id}`,
      externalId: id,
      revision: { id, summary: `Amazon S3 version id: ${id}`, ...(changedAt ? { changedAt } : {}) },
      variables: {
        BucketName: Bucket,
        ObjectKey: Key,
        ETag: String(head.ETag ?? "").replaceAll('"', ""),
        VersionId: head.VersionId ?? "",
      },
    };
  },
};
