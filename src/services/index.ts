import type { Service } from "../aws/service.ts";
import { apigateway } from "./apigateway/index.ts";
import { apigatewayv2 } from "./apigatewayv2/index.ts";
import { applicationInsights } from "./applicationinsights/index.ts";
import { ce } from "./ce/index.ts";
import { cloudformation } from "./cloudformation/index.ts";
import { codecommit } from "./codecommit/index.ts";
import { codestar } from "./codestar/index.ts";
import { codedeploy } from "./codedeploy/index.ts";
import { ecr } from "./ecr/index.ts";
import { events } from "./events/index.ts";
import { codebuild } from "./codebuild/index.ts";
import { codepipeline } from "./codepipeline/index.ts";
import { iam } from "./iam/index.ts";
import { lambda } from "./lambda/index.ts";
import { logs } from "./logs/index.ts";
import { monitoring } from "./monitoring/index.ts";
import { resourceGroups } from "./resource-groups/index.ts";
import { s3 } from "./s3/index.ts";
import { sqs } from "./sqs/index.ts";
import { ssm } from "./ssm/index.ts";
import { sts } from "./sts/index.ts";

/** Every service of the platform: one line each. Order is that of their start, and in which their routes are asked. */
export const services: readonly Service[] = [
  // one line each, so that two changes do not meet in one line
  iam,
  sts,
  logs,
  monitoring,
  sqs,
  lambda,
  events,
  ecr,
  ssm,
  codecommit,
  codedeploy,
  apigateway,
  apigatewayv2,
  codebuild,
  codepipeline,
  codestar,
  ce,
  resourceGroups,
  applicationInsights,
  cloudformation,
  s3, // any path may be a bucket's: preflights are for S3 where they are for nobody else
];
