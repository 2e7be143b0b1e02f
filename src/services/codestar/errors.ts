import { AwsError } from "../../kernel/aws-error.ts";

export const invalid = (message: string): AwsError => new AwsError("ValidationException", message, 400);

export const projectNotFound = (id: string): AwsError =>
  new AwsError("ProjectNotFoundException", `The project ${id} was not found in this account and region.`, 400);

export const projectExists = (id: string): AwsError =>
  new AwsError(
    "ProjectAlreadyExistsException",
    `A project with the ID ${id} already exists in this account and region. Choose another ID.`,
    400,
  );

export const limitExceeded = (message: string): AwsError => new AwsError("LimitExceededException", message, 400);

export const configurationFault = (message: string): AwsError =>
  new AwsError("ProjectConfigurationException", message, 400);

export const concurrentChange = (message: string): AwsError =>
  new AwsError("ConcurrentModificationException", message, 400);

export const badServiceRole = (message: string): AwsError => new AwsError("InvalidServiceRoleException", message, 400);

export const badToken = (): AwsError => new AwsError("InvalidNextTokenException", "The next token is not valid.", 400);
