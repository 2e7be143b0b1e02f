interface Place {
  readonly region: string;
  readonly account: string;
}

type ArnOf = (id: string, place: Place) => string;

const own =
  (service: string, prefix = ""): ArnOf =>
  (id, { region, account }) =>
    id.startsWith("arn:") ? id : `arn:aws:${service}:${region}:${account}:${prefix}${id}`;
const iam =
  (prefix: string): ArnOf =>
  (id, { account }) =>
    id.startsWith("arn:") ? id : `arn:aws:iam::${account}:${prefix}${id}`;
const global =
  (service: string): ArnOf =>
  (id) =>
    `arn:aws:${service}:::${id}`;
/** What is behind the last slash of a queue's URL. */
const queue: ArnOf = (id, place) => own("sqs")(id.slice(id.lastIndexOf("/") + 1), place);
const api =
  (path: string): ArnOf =>
  (id, { region }) =>
    `arn:aws:apigateway:${region}::${path}${id}`;

/** How the ARN of a resource is made of its physical id, by CloudFormation type; types whose id is an ARN need no entry. */
const ARNS: Readonly<Record<string, ArnOf>> = {
  "AWS::ApiGateway::RestApi": api("/restapis/"),
  "AWS::ApiGatewayV2::Api": api("/apis/"),
  "AWS::CodeBuild::Project": own("codebuild", "project/"),
  "AWS::CodeCommit::Repository": own("codecommit"),
  "AWS::CodeDeploy::Application": own("codedeploy", "application:"),
  "AWS::CodePipeline::Pipeline": own("codepipeline"),
  "AWS::DynamoDB::Table": own("dynamodb", "table/"),
  "AWS::Events::Rule": own("events", "rule/"),
  "AWS::IAM::ManagedPolicy": iam("policy/"),
  "AWS::IAM::Role": iam("role/"),
  "AWS::IAM::User": iam("user/"),
  "AWS::Kinesis::Stream": own("kinesis", "stream/"),
  "AWS::KMS::Key": own("kms", "key/"),
  "AWS::Lambda::Function": own("lambda", "function:"),
  "AWS::Logs::LogGroup": own("logs", "log-group:"),
  "AWS::Cognito::UserPool": own("cognito-idp", "userpool/"),
  "AWS::S3::Bucket": global("s3"),
  "AWS::Serverless::SimpleTable": own("dynamodb", "table/"),
  "AWS::SNS::Topic": own("sns"),
  "AWS::SQS::Queue": queue,
  "AWS::SSM::Parameter": (id, place) => own("ssm", "parameter/")(id.replace(/^\//, ""), place),
};

/** The ARN of a stack's resource; undefined for what has none (a bucket policy, an API's method). */
export function resourceArn(type: string, id: string, place: Place): string | undefined {
  if (id.startsWith("arn:")) return id;
  return ARNS[type]?.(id, place);
}
