import { AwsError } from "../../kernel/aws-error.ts";

export const validation = (message: string): AwsError => new AwsError("ValidationError", message, 400);
export const noStackWithId = (name: string): AwsError => validation(`Stack with id ${name} does not exist`);
export const noStack = (name: string): AwsError => validation(`Stack [${name}] does not exist`);
export const stackExists = (name: string): AwsError =>
  new AwsError("AlreadyExistsException", `Stack [${name}] already exists`, 400);
export const noChangeSet = (name: string): AwsError =>
  new AwsError("ChangeSetNotFound", `ChangeSet [${name}] does not exist`, 404);
export const invalidChangeSet = (message: string): AwsError => new AwsError("InvalidChangeSetStatus", message, 400);
export const insufficientCapabilities = (names: string): AwsError =>
  new AwsError("InsufficientCapabilitiesException", `Requires capabilities : [${names}]`, 400);
export const noUpdates = (): AwsError => validation("No updates are to be performed.");
