/** A resource that a group has. */
export interface Member {
  readonly arn: string;
  readonly type: string;
}

/** Why a query has no answer. */
export interface QueryError {
  readonly ErrorCode: "CLOUDFORMATION_STACK_INACTIVE" | "CLOUDFORMATION_STACK_NOT_EXISTING";
  readonly Message: string;
}

export interface Members {
  readonly members: readonly Member[];
  readonly errors: readonly QueryError[];
}
