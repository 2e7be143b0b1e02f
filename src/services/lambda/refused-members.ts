import type * as Lambda from "@aws-sdk/client-lambda";
import type { RefusedMembers } from "../../aws/service.ts";

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof Lambda> = {
  CreateEventSourceMapping: { LoggingConfig: [] },
  UpdateEventSourceMapping: { LoggingConfig: [] },
  CreateFunction: {
    "Code.S3ObjectStorageMode": ["COPY"],
    "Code.SourceKMSKeyArn": [],
    ImageConfig: [],
    PublishTo: [],
    "VpcConfig.SecurityGroupIds": [],
    "VpcConfig.Ipv6AllowedForDualStack": [],
  },
  UpdateFunctionCode: { PublishTo: [], S3ObjectStorageMode: ["COPY"], SourceKMSKeyArn: [] },
  UpdateFunctionConfiguration: {
    ImageConfig: [],
    "VpcConfig.SecurityGroupIds": [],
    "VpcConfig.Ipv6AllowedForDualStack": [],
  },
  PublishLayerVersion: { "Content.S3ObjectStorageMode": ["COPY"] },
  PublishVersion: { PublishTo: [] },
  Invoke: { DurableExecutionName: [], TenantId: [] },
  InvokeWithResponseStream: { TenantId: [] },
};
