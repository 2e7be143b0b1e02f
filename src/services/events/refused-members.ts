import type * as Events from "@aws-sdk/client-eventbridge";
import type { RefusedMembers } from "../../aws/service.ts";

/** What nothing here acts on: calls that ask for it are answered 501. */
export const refused: RefusedMembers<typeof Events> = {
  CreateArchive: { KmsKeyIdentifier: [] },
  UpdateArchive: { KmsKeyIdentifier: [] },
  CreateConnection: { KmsKeyIdentifier: [], InvocationConnectivityParameters: [] },
  UpdateConnection: { KmsKeyIdentifier: [], InvocationConnectivityParameters: [] },
  CreateEventBus: { DeadLetterConfig: [] },
  UpdateEventBus: { DeadLetterConfig: [] },
  PutEvents: { EndpointId: [] },
  PutTargets: {
    "Targets.AppSyncParameters": [],
    "Targets.BatchParameters": [],
    "Targets.EcsParameters": [],
    "Targets.KinesisParameters": [],
    "Targets.RedshiftDataParameters": [],
    "Targets.RunCommandParameters": [],
    "Targets.SageMakerPipelineParameters": [],
  },
};
