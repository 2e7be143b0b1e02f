import { AwsError } from "../../kernel/aws-error.ts";

export const noSuchEntity = (message: string): AwsError => new AwsError("NoSuchEntity", message, 404);
export const alreadyExists = (message: string): AwsError => new AwsError("EntityAlreadyExists", message, 409);
export const deleteConflict = (message: string): AwsError => new AwsError("DeleteConflict", message, 409);
export const limitExceeded = (message: string): AwsError => new AwsError("LimitExceeded", message, 409);
export const invalidInput = (message: string): AwsError => new AwsError("InvalidInput", message, 400);
export const validation = (message: string): AwsError => new AwsError("ValidationError", message, 400);

const WORDS = { user: "user", group: "group", role: "role" } as const;

export const noSuch = (kind: keyof typeof WORDS, name: string): AwsError =>
  noSuchEntity(`The ${WORDS[kind]} with name ${name} cannot be found.`);

export const noSuchPolicy = (policyArn: string): AwsError =>
  noSuchEntity(`Policy ${policyArn} does not exist or is not attachable.`);

/** Roles of a service are AWS's own. */
export const unmodifiable = (role: string): AwsError =>
  new AwsError(
    "UnmodifiableEntity",
    `Cannot perform the operation on the protected role '${role}' - this role is only modifiable by AWS`,
    400,
  );
