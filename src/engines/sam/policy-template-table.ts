/**
 * SAM's policy templates: for each statement the service of its actions, the actions, and the resources. A resource
 * `x:y` stands for the ARN of service x in this account and region with resource y; `-x:y` has neither account nor
 * region. `${name}` is the parameter `Name`.
 */
export const POLICY_TEMPLATES: Readonly<Record<string, readonly (readonly [string, string, ...string[]])[]>> = {
  AMIDescribePolicy: [["ec2", "DescribeImages", "*"]],
  AWSSecretsManagerGetSecretValuePolicy: [["secretsmanager", "GetSecretValue", "${secretArn}"]],
  AcmGetCertificatePolicy: [["acm", "GetCertificate", "${certificateArn}"]],
  CloudFormationDescribeStacksPolicy: [["cloudformation", "DescribeStacks", "cloudformation:stack/*"]],
  CloudWatchDashboardPolicy: [["cloudwatch", "GetDashboard ListDashboards PutDashboard ListMetrics", "*"]],
  CloudWatchDescribeAlarmHistoryPolicy: [["cloudwatch", "DescribeAlarmHistory", "*"]],
  CloudWatchPutMetricPolicy: [["cloudwatch", "PutMetricData", "*"]],
  CodeCommitCrudPolicy: [
    [
      "codecommit",
      "GitPull GitPush CreateBranch DeleteBranch GetBranch ListBranches MergeBranchesByFastForward MergeBranchesBySquash MergeBranchesByThreeWay UpdateDefaultBranch BatchDescribeMergeConflicts CreateUnreferencedMergeCommit DescribeMergeConflicts GetMergeCommit GetMergeOptions BatchGetPullRequests CreatePullRequest DescribePullRequestEvents GetCommentsForPullRequest GetCommitsFromMergeBase GetMergeConflicts GetPullRequest ListPullRequests MergePullRequestByFastForward MergePullRequestBySquash MergePullRequestByThreeWay PostCommentForPullRequest UpdatePullRequestDescription UpdatePullRequestStatus UpdatePullRequestTitle DeleteFile GetBlob GetFile GetFolder PutFile DeleteCommentContent GetComment GetCommentsForComparedCommit PostCommentForComparedCommit PostCommentReply UpdateComment BatchGetCommits CreateCommit GetCommit GetCommitHistory GetDifferences GetObjectIdentifier GetReferences GetTree GetRepository UpdateRepositoryDescription ListTagsForResource TagResource UntagResource GetRepositoryTriggers PutRepositoryTriggers TestRepositoryTriggers GetBranch GetCommit UploadArchive GetUploadArchiveStatus CancelUploadArchive",
      "codecommit:${repositoryName}",
    ],
  ],
  CodeCommitReadPolicy: [
    [
      "codecommit",
      "GitPull GetBranch ListBranches BatchDescribeMergeConflicts DescribeMergeConflicts GetMergeCommit GetMergeOptions BatchGetPullRequests DescribePullRequestEvents GetCommentsForPullRequest GetCommitsFromMergeBase GetMergeConflicts GetPullRequest ListPullRequests GetBlob GetFile GetFolder GetComment GetCommentsForComparedCommit BatchGetCommits GetCommit GetCommitHistory GetDifferences GetObjectIdentifier GetReferences GetTree GetRepository ListTagsForResource GetRepositoryTriggers TestRepositoryTriggers GetBranch GetCommit GetUploadArchiveStatus",
      "codecommit:${repositoryName}",
    ],
  ],
  CodePipelineLambdaExecutionPolicy: [["codepipeline", "PutJobSuccessResult PutJobFailureResult", "*"]],
  CodePipelineReadOnlyPolicy: [["codepipeline", "ListPipelineExecutions", "codepipeline:${pipelineName}"]],
  CostExplorerReadOnlyPolicy: [
    [
      "ce",
      "GetCostAndUsage GetDimensionValues GetReservationCoverage GetReservationPurchaseRecommendation GetReservationUtilization GetTags",
      "*",
    ],
  ],
  DynamoDBBackupFullAccessPolicy: [
    ["dynamodb", "CreateBackup DescribeContinuousBackups", "dynamodb:table/${tableName}"],
    ["dynamodb", "DeleteBackup DescribeBackup ListBackups", "dynamodb:table/${tableName}/backup/*"],
  ],
  DynamoDBCrudPolicy: [
    [
      "dynamodb",
      "GetItem DeleteItem PutItem Scan Query UpdateItem BatchWriteItem BatchGetItem DescribeTable ConditionCheckItem",
      "dynamodb:table/${tableName}",
      "dynamodb:table/${tableName}/index/*",
    ],
  ],
  DynamoDBReadPolicy: [
    [
      "dynamodb",
      "GetItem Scan Query BatchGetItem DescribeTable",
      "dynamodb:table/${tableName}",
      "dynamodb:table/${tableName}/index/*",
    ],
  ],
  DynamoDBWritePolicy: [
    [
      "dynamodb",
      "PutItem UpdateItem BatchWriteItem",
      "dynamodb:table/${tableName}",
      "dynamodb:table/${tableName}/index/*",
    ],
  ],
  DynamoDBReconfigurePolicy: [["dynamodb", "UpdateTable", "dynamodb:table/${tableName}"]],
  DynamoDBStreamReadPolicy: [
    ["dynamodb", "DescribeStream GetRecords GetShardIterator", "dynamodb:table/${tableName}/stream/${streamName}"],
    ["dynamodb", "ListStreams", "dynamodb:table/${tableName}/stream/*"],
  ],
  EC2DescribePolicy: [["ec2", "DescribeRegions DescribeInstances", "*"]],
  EventBridgePutEventsPolicy: [["events", "PutEvents", "events:event-bus/${eventBusName}"]],
  FilterLogEventsPolicy: [["logs", "FilterLogEvents", "logs:log-group:${logGroupName}:log-stream:*"]],
  FirehoseCrudPolicy: [
    [
      "firehose",
      "CreateDeliveryStream DeleteDeliveryStream DescribeDeliveryStream PutRecord PutRecordBatch UpdateDestination",
      "firehose:deliverystream/${deliveryStreamName}",
    ],
  ],
  FirehoseWritePolicy: [["firehose", "PutRecord PutRecordBatch", "firehose:deliverystream/${deliveryStreamName}"]],
  KMSDecryptPolicy: [["kms", "Decrypt", "kms:key/${keyId}"]],
  KMSEncryptPolicy: [["kms", "Encrypt", "kms:key/${keyId}"]],
  KinesisCrudPolicy: [
    [
      "kinesis",
      "AddTagsToStream CreateStream DecreaseStreamRetentionPeriod DeleteStream DescribeStream DescribeStreamSummary GetShardIterator IncreaseStreamRetentionPeriod ListTagsForStream MergeShards PutRecord PutRecords SplitShard RemoveTagsFromStream",
      "kinesis:stream/${streamName}",
    ],
  ],
  KinesisStreamReadPolicy: [
    ["kinesis", "ListStreams DescribeLimits", "kinesis:stream/*"],
    ["kinesis", "DescribeStream DescribeStreamSummary GetRecords GetShardIterator", "kinesis:stream/${streamName}"],
  ],
  LambdaInvokePolicy: [["lambda", "InvokeFunction", "lambda:function:${functionName}*"]],
  PollyFullAccessPolicy: [
    ["polly", "GetLexicon DeleteLexicon", "polly:lexicon/${lexiconName}"],
    ["polly", "DescribeVoices ListLexicons PutLexicon SynthesizeSpeech", "polly:lexicon/*"],
  ],
  RekognitionDetectOnlyPolicy: [["rekognition", "DetectFaces DetectLabels DetectModerationLabels DetectText", "*"]],
  RekognitionFacesPolicy: [["rekognition", "CompareFaces DetectFaces", "*"]],
  RekognitionLabelsPolicy: [["rekognition", "DetectLabels DetectModerationLabels", "*"]],
  S3CrudPolicy: [
    [
      "s3",
      "GetObject ListBucket GetBucketLocation GetObjectVersion PutObject PutObjectAcl GetLifecycleConfiguration PutLifecycleConfiguration DeleteObject",
      "-s3:${bucketName}",
      "-s3:${bucketName}/*",
    ],
  ],
  S3FullAccessPolicy: [
    [
      "s3",
      "GetObject GetObjectAcl GetObjectVersion PutObject PutObjectAcl DeleteObject DeleteObjectTagging DeleteObjectVersionTagging GetObjectTagging GetObjectVersionTagging PutObjectTagging PutObjectVersionTagging",
      "-s3:${bucketName}/*",
    ],
    ["s3", "ListBucket GetBucketLocation GetLifecycleConfiguration PutLifecycleConfiguration", "-s3:${bucketName}"],
  ],
  S3ReadPolicy: [
    [
      "s3",
      "GetObject ListBucket GetBucketLocation GetObjectVersion GetLifecycleConfiguration",
      "-s3:${bucketName}",
      "-s3:${bucketName}/*",
    ],
  ],
  S3WritePolicy: [
    ["s3", "PutObject PutObjectAcl PutLifecycleConfiguration", "-s3:${bucketName}", "-s3:${bucketName}/*"],
  ],
  SESBulkTemplatedCrudPolicy: [
    [
      "ses",
      "GetIdentityVerificationAttributes SendEmail SendRawEmail SendTemplatedEmail SendBulkTemplatedEmail VerifyEmailIdentity",
      "ses:identity/${identityName}",
    ],
  ],
  SESCrudPolicy: [
    [
      "ses",
      "GetIdentityVerificationAttributes SendEmail SendRawEmail VerifyEmailIdentity",
      "ses:identity/${identityName}",
    ],
  ],
  SESSendBouncePolicy: [["ses", "SendBounce", "ses:identity/${identityName}"]],
  SNSCrudPolicy: [
    ["sns", "ListSubscriptionsByTopic CreateTopic SetTopicAttributes Subscribe Publish", "sns:${topicName}*"],
  ],
  SNSPublishMessagePolicy: [["sns", "Publish", "sns:${topicName}"]],
  SQSPollerPolicy: [
    [
      "sqs",
      "ChangeMessageVisibility ChangeMessageVisibilityBatch DeleteMessage DeleteMessageBatch GetQueueAttributes ReceiveMessage",
      "sqs:${queueName}",
    ],
  ],
  SQSSendMessagePolicy: [["sqs", "SendMessage*", "sqs:${queueName}"]],
  SSMParameterReadPolicy: [
    ["ssm", "DescribeParameters", "*"],
    ["ssm", "GetParameters GetParameter GetParametersByPath", "ssm:parameter/${parameterName}"],
  ],
  SSMParameterWithSlashPrefixReadPolicy: [
    ["ssm", "DescribeParameters", "*"],
    ["ssm", "GetParameters GetParameter GetParametersByPath", "ssm:parameter${parameterName}"],
  ],
  StepFunctionsExecutionPolicy: [["states", "StartExecution", "states:stateMachine:${stateMachineName}"]],
  TextractDetectAnalyzePolicy: [
    ["textract", "DetectDocumentText StartDocumentTextDetection StartDocumentAnalysis AnalyzeDocument", "*"],
  ],
  TextractGetResultPolicy: [["textract", "GetDocumentTextDetection GetDocumentAnalysis", "*"]],
  TextractPolicy: [["textract", "*", "*"]],
  VPCAccessPolicy: [
    ["ec2", "CreateNetworkInterface DeleteNetworkInterface DescribeNetworkInterfaces DetachNetworkInterface", "*"],
  ],
};
