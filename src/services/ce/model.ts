import { AwsError } from "../../kernel/aws-error.ts";

export const invalid = (message: string): AwsError => new AwsError("ValidationException", message, 400);

/** All of Cost Explorer's actions are on everything. */
export const onAll = (action: string) => () => [{ action: `ce:${action}`, resource: "*" }];
