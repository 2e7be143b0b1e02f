/** Who may do what where a connector joins two resources: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/reference-sam-connector.html */
export interface ConnectorProfile {
  /** What is made: a managed policy of a role, the policy of a queue or topic, or a function's permission. */
  readonly makes: "role policy" | "queue policy" | "topic policy" | "function permission";
  /** Whose role, queue, topic or function it is. */
  readonly of: "Source" | "Destination";
  readonly access: Readonly<Partial<Record<string, Access>>>;
  /** Combinations of permissions that make sense; any where absent. */
  readonly combinations?: readonly (readonly string[])[];
  /** What must wait for the policy. */
  readonly dependedBy?: "event source mapping" | "source";
}

type Access = readonly Statement[] | Invocation;

/** `{Source.Arn}` and the like stand for facts of the two resources. */
interface Statement {
  readonly actions: string | readonly string[];
  readonly resources: string | readonly string[];
  readonly service?: string;
}

export interface Invocation {
  readonly principal: string;
  readonly sourceArn: string;
  readonly sourceAccount?: string;
}

const HERE = "${AWS::Region}:${AWS::AccountId}";
const TARGET = ["{Destination.Arn}"];

const may = (actions: string, resources: readonly string[] = TARGET): readonly Statement[] => [
  { actions: actions.split(" "), resources },
];

const objectAccess = {
  Read: may(
    "s3:GetObject s3:GetObjectAcl s3:GetObjectLegalHold s3:GetObjectRetention s3:GetObjectTorrent s3:GetObjectVersion s3:GetObjectVersionAcl s3:GetObjectVersionForReplication s3:GetObjectVersionTorrent s3:ListBucket s3:ListBucketMultipartUploads s3:ListBucketVersions s3:ListMultipartUploadParts",
    [...TARGET, "{Destination.Arn}/*"],
  ),
  Write: may(
    "s3:AbortMultipartUpload s3:DeleteObject s3:DeleteObjectVersion s3:PutObject s3:PutObjectLegalHold s3:PutObjectRetention s3:RestoreObject",
    [...TARGET, "{Destination.Arn}/*"],
  ),
};

const tableAccess = {
  Read: may(
    "dynamodb:GetItem dynamodb:Query dynamodb:Scan dynamodb:BatchGetItem dynamodb:ConditionCheckItem dynamodb:PartiQLSelect",
    [...TARGET, "{Destination.Arn}/index/*"],
  ),
  Write: may(
    "dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem dynamodb:BatchWriteItem dynamodb:PartiQLDelete dynamodb:PartiQLInsert dynamodb:PartiQLUpdate",
    [...TARGET, "{Destination.Arn}/index/*"],
  ),
};

const EXECUTIONS = [`arn:\${AWS::Partition}:states:${HERE}:execution:{Destination.Name}:*`];
const NESTED_RULE = [`arn:\${AWS::Partition}:events:${HERE}:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule`];

const calls = may("lambda:InvokeAsync lambda:InvokeFunction");
const puts = may("events:PutEvents");

/** The source's role may do it. */
const bySource = (access: ConnectorProfile["access"]): ConnectorProfile => ({
  makes: "role policy",
  of: "Source",
  access,
});

/** The function may be called by a service on the source's behalf. */
const called = (principal: string, sourceArn = "{Source.Arn}", sourceAccount?: string): ConnectorProfile => ({
  makes: "function permission",
  of: "Destination",
  access: { Write: { principal, sourceArn, ...(sourceAccount ? { sourceAccount } : {}) } },
});

/** The destination takes what a service sends on the source's behalf. */
const sent = (makes: "queue policy" | "topic policy", service: string, actions: string): ConnectorProfile => ({
  makes,
  of: "Destination",
  access: { Write: [{ actions, resources: "{Destination.Arn}", service }] },
});

const API_CALL = `arn:\${AWS::Partition}:execute-api:${HERE}:{Source.ResourceId}/{Source.Qualifier}`;

const FROM_FUNCTION: Readonly<Record<string, ConnectorProfile>> = {
  "AWS::Lambda::Function": bySource({ Write: calls }),
  "AWS::S3::Bucket": bySource(objectAccess),
  "AWS::DynamoDB::Table": bySource(tableAccess),
  "AWS::SQS::Queue": bySource({
    Read: may("sqs:ReceiveMessage sqs:GetQueueAttributes"),
    Write: may("sqs:DeleteMessage sqs:SendMessage sqs:ChangeMessageVisibility sqs:PurgeQueue"),
  }),
  "AWS::SNS::Topic": bySource({ Write: may("sns:Publish") }),
  "AWS::StepFunctions::StateMachine": bySource({
    Write: [...may("states:StartExecution states:StartSyncExecution"), ...may("states:StopExecution", EXECUTIONS)],
    Read: [
      ...may("states:DescribeStateMachine states:ListExecutions"),
      ...may("states:DescribeExecution states:DescribeStateMachineForExecution states:GetExecutionHistory", EXECUTIONS),
    ],
  }),
  "AWS::Events::EventBus": bySource({ Write: puts }),
  "AWS::Location::PlaceIndex": bySource({
    Read: may(
      "geo:DescribePlaceIndex geo:GetPlace geo:SearchPlaceIndexForPosition geo:SearchPlaceIndexForSuggestions geo:SearchPlaceIndexForText",
    ),
  }),
};

const FROM_STATE_MACHINE: Readonly<Record<string, ConnectorProfile>> = {
  "AWS::Lambda::Function": bySource({ Write: calls }),
  "AWS::SNS::Topic": bySource({ Write: may("sns:Publish") }),
  "AWS::SQS::Queue": bySource({ Write: may("sqs:SendMessage") }),
  "AWS::S3::Bucket": bySource(objectAccess),
  "AWS::DynamoDB::Table": bySource(tableAccess),
  "AWS::StepFunctions::StateMachine": {
    ...bySource({
      Read: [...may("states:DescribeExecution", EXECUTIONS), ...may("events:DescribeRule", NESTED_RULE)],
      Write: [
        ...may("states:StartExecution"),
        ...may("states:StopExecution", EXECUTIONS),
        ...may("events:PutTargets events:PutRule", NESTED_RULE),
      ],
    }),
    combinations: [["Read"], ["Read", "Write"]],
    dependedBy: "source",
  },
  "AWS::Events::EventBus": bySource({ Write: puts }),
};

/** By the type of the source, then by that of the destination. */
export const CONNECTOR_PROFILES: Readonly<Record<string, Readonly<Record<string, ConnectorProfile>>>> = {
  "AWS::Lambda::Function": FROM_FUNCTION,
  "AWS::StepFunctions::StateMachine": FROM_STATE_MACHINE,
  "AWS::DynamoDB::Table": {
    "AWS::Lambda::Function": {
      makes: "role policy",
      of: "Destination",
      access: {
        Read: may("dynamodb:DescribeStream dynamodb:GetRecords dynamodb:GetShardIterator dynamodb:ListStreams", [
          "{Source.Arn}/stream/*",
        ]),
      },
      dependedBy: "event source mapping",
    },
  },
  "AWS::SQS::Queue": {
    "AWS::Lambda::Function": {
      makes: "role policy",
      of: "Destination",
      access: {
        Write: may("sqs:DeleteMessage", ["{Source.Arn}"]),
        Read: may("sqs:ReceiveMessage sqs:GetQueueAttributes", ["{Source.Arn}"]),
      },
      combinations: [["Read", "Write"]],
      dependedBy: "event source mapping",
    },
  },
  "AWS::Events::Rule": {
    "AWS::SNS::Topic": sent("topic policy", "events.amazonaws.com", "sns:Publish"),
    "AWS::Events::EventBus": bySource({ Write: puts }),
    "AWS::StepFunctions::StateMachine": bySource({ Write: may("states:StartExecution") }),
    "AWS::Lambda::Function": called("events.amazonaws.com"),
    "AWS::SQS::Queue": sent("queue policy", "events.amazonaws.com", "sqs:SendMessage"),
  },
  "AWS::ApiGatewayV2::Api": { "AWS::Lambda::Function": called("apigateway.amazonaws.com", API_CALL) },
  "AWS::ApiGateway::RestApi": { "AWS::Lambda::Function": called("apigateway.amazonaws.com", API_CALL) },
  "AWS::SNS::Topic": {
    "AWS::SQS::Queue": sent("queue policy", "sns.amazonaws.com", "sqs:SendMessage"),
    "AWS::Lambda::Function": called("sns.amazonaws.com"),
  },
  "AWS::S3::Bucket": {
    "AWS::Lambda::Function": called("s3.amazonaws.com", "{Source.Arn}", "${AWS::AccountId}"),
  },
  "AWS::AppSync::DataSource": {
    "AWS::DynamoDB::Table": bySource(tableAccess),
    "AWS::Lambda::Function": bySource({
      Write: may("lambda:InvokeAsync lambda:InvokeFunction", [...TARGET, "{Destination.Arn}:*"]),
    }),
    "AWS::Events::EventBus": bySource({ Write: puts }),
  },
  "AWS::AppSync::GraphQLApi": {
    "AWS::Lambda::Function": called(
      "appsync.amazonaws.com",
      `arn:\${AWS::Partition}:appsync:${HERE}:apis/{Source.ResourceId}`,
    ),
  },
};
