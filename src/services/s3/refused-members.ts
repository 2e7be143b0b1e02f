import type * as S3 from "@aws-sdk/client-s3";
import type { RefusedMembers } from "../../aws/service.ts";

/** Checksums that are newer than those here. */
const CHECKSUMS = {
  ChecksumSHA512: [],
  ChecksumMD5: [],
  ChecksumXXHASH64: [],
  ChecksumXXHASH3: [],
  ChecksumXXHASH128: [],
};

const HOLD = { ObjectLockEventHold: [], ObjectLockEventHoldDurationDays: [], ObjectLockEventHoldDurationYears: [] };

const within = (path: string, refused: Readonly<Record<string, never[]>>) =>
  Object.fromEntries(Object.entries(refused).map(([name, harmless]) => [`${path}.${name}`, harmless]));

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof S3> = {
  AbortMultipartUpload: { IfMatchInitiatedTime: [] },
  CompleteMultipartUpload: { ...CHECKSUMS, ...within("MultipartUpload.Parts", CHECKSUMS) },
  CopyObject: { ...HOLD, SSEKMSEncryptionContext: [], AnnotationDirective: [] },
  CreateBucket: { "CreateBucketConfiguration.Bucket": [], "CreateBucketConfiguration.Location": [] },
  CreateMultipartUpload: { ...HOLD, SSEKMSEncryptionContext: [] },
  DeleteObject: { IfMatchLastModifiedTime: [], IfMatchSize: [] },
  DeleteObjects: { "Delete.Objects.LastModifiedTime": [], "Delete.Objects.Size": [] },
  PutBucketEncryption: {
    "ServerSideEncryptionConfiguration.Rules.BlockedEncryptionTypes.EncryptionType": ["NONE"],
  },
  PutBucketLogging: { "BucketLoggingStatus.LoggingEnabled.TargetGrants": [] },
  PutObject: { ...CHECKSUMS, ...HOLD, SSEKMSEncryptionContext: [], WriteOffsetBytes: [] },
  PutObjectLockConfiguration: { "ObjectLockConfiguration.Rule.DefaultRetention.DefaultEventHold": [] },
  PutObjectRetention: { "Retention.EventHold": [], "Retention.EventHoldDuration": [] },
  RestoreObject: {
    "RestoreRequest.OutputLocation": [],
    "RestoreRequest.SelectParameters": [],
  },
  UploadPart: CHECKSUMS,
};
