/** The SDK package of each service, for the types of `ctx.call`; nothing of them is loaded at run time. */
export interface ServiceModules {
  lambda: typeof import("@aws-sdk/client-lambda");
  s3: typeof import("@aws-sdk/client-s3");
  iam: typeof import("@aws-sdk/client-iam");
  sts: typeof import("@aws-sdk/client-sts");
  ssm: typeof import("@aws-sdk/client-ssm");
  logs: typeof import("@aws-sdk/client-cloudwatch-logs");
  monitoring: typeof import("@aws-sdk/client-cloudwatch");
  cloudformation: typeof import("@aws-sdk/client-cloudformation");
  apigateway: typeof import("@aws-sdk/client-api-gateway");
  apigatewayv2: typeof import("@aws-sdk/client-apigatewayv2");
  codecommit: typeof import("@aws-sdk/client-codecommit");
  codebuild: typeof import("@aws-sdk/client-codebuild");
  codedeploy: typeof import("@aws-sdk/client-codedeploy");
  codepipeline: typeof import("@aws-sdk/client-codepipeline");
  events: typeof import("@aws-sdk/client-eventbridge");
  sqs: typeof import("@aws-sdk/client-sqs");
  sns: typeof import("@aws-sdk/client-sns");
  ecr: typeof import("@aws-sdk/client-ecr");
  ce: typeof import("@aws-sdk/client-cost-explorer");
  "resource-groups": typeof import("@aws-sdk/client-resource-groups");
}
