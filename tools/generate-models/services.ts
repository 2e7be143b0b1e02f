/** Where the model of a service comes from. */
export interface ModelSource {
  /** The name of the pack: the service's endpoint prefix, as `ctx.call` uses it. */
  readonly name: string;
  /** The part of the SDK package's name after `@aws-sdk/client-`; absent where no client has schemas. */
  readonly client?: string;
  /** The folder of botocore's data. */
  readonly botocore: string;
}

/** One line a service. */
export const MODEL_SOURCES: readonly ModelSource[] = [
  { name: "lambda", client: "lambda", botocore: "lambda" },
  { name: "s3", client: "s3", botocore: "s3" },
  { name: "iam", client: "iam", botocore: "iam" },
  { name: "sts", client: "sts", botocore: "sts" },
  { name: "ssm", client: "ssm", botocore: "ssm" },
  { name: "logs", client: "cloudwatch-logs", botocore: "logs" },
  { name: "monitoring", client: "cloudwatch", botocore: "cloudwatch" },
  { name: "cloudformation", client: "cloudformation", botocore: "cloudformation" },
  { name: "apigateway", client: "api-gateway", botocore: "apigateway" },
  { name: "apigatewayv2", client: "apigatewayv2", botocore: "apigatewayv2" },
  { name: "codecommit", client: "codecommit", botocore: "codecommit" },
  { name: "codebuild", client: "codebuild", botocore: "codebuild" },
  { name: "codedeploy", client: "codedeploy", botocore: "codedeploy" },
  { name: "codepipeline", client: "codepipeline", botocore: "codepipeline" },
  { name: "codestar", botocore: "codestar" },
  { name: "cloud9", botocore: "cloud9" },
  { name: "events", client: "eventbridge", botocore: "events" },
  { name: "sqs", client: "sqs", botocore: "sqs" },
  { name: "sns", client: "sns", botocore: "sns" },
  { name: "dynamodb", client: "dynamodb", botocore: "dynamodb" },
  { name: "kinesis", client: "kinesis", botocore: "kinesis" },
  { name: "secretsmanager", client: "secrets-manager", botocore: "secretsmanager" },
  { name: "kms", client: "kms", botocore: "kms" },
  { name: "states", client: "sfn", botocore: "stepfunctions" },
  { name: "cognito-idp", client: "cognito-identity-provider", botocore: "cognito-idp" },
  { name: "cloudfront", client: "cloudfront", botocore: "cloudfront" },
  { name: "ecr", client: "ecr", botocore: "ecr" },
  { name: "ce", client: "cost-explorer", botocore: "ce" },
  { name: "resource-groups", client: "resource-groups", botocore: "resource-groups" },
  { name: "applicationinsights", botocore: "application-insights" },
];
