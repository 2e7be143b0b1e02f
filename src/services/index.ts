import type { Service } from "../aws/service.ts";
import { apigateway } from "./apigateway/index.ts";
import { iam } from "./iam/index.ts";
import { lambda } from "./lambda/index.ts";
import { logs } from "./logs/index.ts";
import { s3 } from "./s3/index.ts";
import { sts } from "./sts/index.ts";

/** Every service of the platform: one line each. Order is that of their start. */
export const services: readonly Service[] = [
  iam,
  sts,
  logs,
  s3,
  lambda,
  apigateway,
];
