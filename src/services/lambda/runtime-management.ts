import type * as Lambda from "@aws-sdk/client-lambda";

/** When a version goes over to another release of its runtime; one release of each is installed, with the platform. */
export interface RuntimeManagement {
  readonly mode: Lambda.UpdateRuntimeOn;
  /** ARN of the release that it is held at. */
  readonly version?: string;
}

export const RUNTIME_MANAGEMENT = "runtime-management";
