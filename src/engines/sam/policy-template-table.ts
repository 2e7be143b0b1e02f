/**
 * SAM's policy templates: for each statement the service of its actions, the actions, and the resources. A resource
 * `x:y` stands for the ARN of service x in this account and region with resource y; `-x:y` has neither account nor
 * region. `${name}` is the parameter `Name`. Marks that keep the form of SAM's documents: `=` before an action that is
 * not in a list, `@` before a resource that is alone in one.
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
  CodePipelineReadOnlyPolicy: [["codepipeline", "ListPipelineExecutions", "codepipeline:${pipelinename}"]],
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
  EventBridgePutEventsPolicy: [["events", "=PutEvents", "events:event-bus/${eventBusName}"]],
  FilterLogEventsPolicy: [["logs", "FilterLogEvents", "logs:log-group:${logGroupName}:log-stream:*"]],
  FirehoseCrudPolicy: [
    [
      "firehose",
      "CreateDeliveryStream DeleteDeliveryStream DescribeDeliveryStream PutRecord PutRecordBatch UpdateDestination",
      "firehose:deliverystream/${deliveryStreamName}",
    ],
  ],
  FirehoseWritePolicy: [["firehose", "PutRecord PutRecordBatch", "firehose:deliverystream/${deliveryStreamName}"]],
  KMSDecryptPolicy: [["kms", "=Decrypt", "kms:key/${keyId}"]],
  KMSEncryptPolicy: [["kms", "=Encrypt", "kms:key/${keyId}"]],
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
    ["polly", "GetLexicon DeleteLexicon", "@polly:lexicon/${lexiconName}"],
    ["polly", "DescribeVoices ListLexicons PutLexicon SynthesizeSpeech", "@polly:lexicon/*"],
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
      "@-s3:${bucketName}/*",
    ],
    ["s3", "ListBucket GetBucketLocation GetLifecycleConfiguration PutLifecycleConfiguration", "@-s3:${bucketName}"],
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
  EcsRunTaskPolicy: [["ecs", "RunTask", "ecs:task-definition/${taskDefinition}"]],
  EFSWriteAccessPolicy: [
    ["elasticfilesystem", "ClientMount ClientWrite", "elasticfilesystem:file-system/${fileSystem}"],
  ],
  ElasticMapReduceAddJobFlowStepsPolicy: [
    ["elasticmapreduce", "=AddJobFlowSteps", "elasticmapreduce:cluster/${clusterId}"],
  ],
  ElasticMapReduceCancelStepsPolicy: [["elasticmapreduce", "=CancelSteps", "elasticmapreduce:cluster/${clusterId}"]],
  ElasticMapReduceModifyInstanceFleetPolicy: [
    ["elasticmapreduce", "ModifyInstanceFleet ListInstanceFleets", "elasticmapreduce:cluster/${clusterId}"],
  ],
  ElasticMapReduceModifyInstanceGroupsPolicy: [
    ["elasticmapreduce", "ModifyInstanceGroups ListInstanceGroups", "elasticmapreduce:cluster/${clusterId}"],
  ],
  ElasticMapReduceSetTerminationProtectionPolicy: [
    ["elasticmapreduce", "=SetTerminationProtection", "elasticmapreduce:cluster/${clusterId}"],
  ],
  ElasticMapReduceTerminateJobFlowsPolicy: [
    ["elasticmapreduce", "=TerminateJobFlows", "elasticmapreduce:cluster/${clusterId}"],
  ],
  SageMakerCreateEndpointConfigPolicy: [
    ["sagemaker", "CreateEndpointConfig", "sagemaker:endpoint-config/${endpointConfigName}"],
  ],
  SageMakerCreateEndpointPolicy: [["sagemaker", "CreateEndpoint", "sagemaker:endpoint/${endpointName}"]],
  ElasticsearchHttpPostPolicy: [["es", "ESHttpPost ESHttpPut", "es:domain/${domainName}/*"]],
  RekognitionNoDataAccessPolicy: [
    [
      "rekognition",
      "CompareFaces DetectFaces DetectLabels DetectModerationLabels",
      "rekognition:collection/${collectionId}",
    ],
  ],
  RekognitionReadPolicy: [
    [
      "rekognition",
      "ListCollections ListFaces SearchFaces SearchFacesByImage",
      "rekognition:collection/${collectionId}",
    ],
  ],
  RekognitionWriteOnlyAccessPolicy: [
    ["rekognition", "CreateCollection IndexFaces", "rekognition:collection/${collectionId}"],
  ],
  ServerlessRepoReadWriteAccessPolicy: [
    [
      "serverlessrepo",
      "CreateApplication CreateApplicationVersion UpdateApplication GetApplication ListApplications ListApplicationVersions ListApplicationDependencies",
      "@serverlessrepo:applications/*",
    ],
  ],
  EC2CopyImagePolicy: [["ec2", "CopyImage", "ec2:image/${imageId}"]],
  DynamoDBRestoreFromBackupPolicy: [
    ["dynamodb", "RestoreTableFromBackup", "dynamodb:table/${tableName}/backup/*"],
    ["dynamodb", "PutItem UpdateItem DeleteItem GetItem Query Scan BatchWriteItem", "dynamodb:table/${tableName}"],
  ],
  ComprehendBasicAccessPolicy: [
    [
      "comprehend",
      "BatchDetectKeyPhrases DetectDominantLanguage DetectEntities BatchDetectEntities DetectKeyPhrases DetectSentiment BatchDetectDominantLanguage BatchDetectSentiment",
      "*",
    ],
  ],
  AWSSecretsManagerRotationPolicy: [
    [
      "secretsmanager",
      "DescribeSecret GetSecretValue PutSecretValue UpdateSecretVersionStage",
      "secretsmanager:secret:*",
    ],
    ["secretsmanager", "GetRandomPassword", "*"],
  ],
  MobileAnalyticsWriteOnlyAccessPolicy: [["mobileanalytics", "PutEvents", "*"]],
  PinpointEndpointAccessPolicy: [
    [
      "mobiletargeting",
      "GetEndpoint UpdateEndpoint UpdateEndpointsBatch",
      "mobiletargeting:apps/${pinpointApplicationId}/endpoints/*",
    ],
  ],
  RekognitionFacesManagementPolicy: [
    [
      "rekognition",
      "IndexFaces DeleteFaces SearchFaces SearchFacesByImage ListFaces",
      "rekognition:collection/${collectionId}",
    ],
  ],
  EKSDescribePolicy: [["eks", "DescribeCluster ListClusters", "*"]],
  OrganizationsListAccountsPolicy: [["organizations", "ListAccounts", "*"]],
  SESEmailTemplateCrudPolicy: [
    ["ses", "CreateTemplate GetTemplate ListTemplates UpdateTemplate DeleteTemplate TestRenderTemplate", "*"],
  ],
  AthenaQueryPolicy: [
    [
      "athena",
      "ListWorkGroups GetExecutionEngine GetExecutionEngines GetNamespace GetCatalogs GetNamespaces GetTables GetTable",
      "*",
    ],
    [
      "athena",
      "StartQueryExecution GetQueryResults DeleteNamedQuery GetNamedQuery ListQueryExecutions StopQueryExecution GetQueryResultsStream ListNamedQueries CreateNamedQuery GetQueryExecution BatchGetNamedQuery BatchGetQueryExecution GetWorkGroup",
      "athena:workgroup/${workgroupName}",
    ],
  ],
  Route53ChangeResourceRecordSetsPolicy: [
    ["route53", "ChangeResourceRecordSets", "-route53:hostedzone/${HostedZoneId}"],
  ],
  StepFunctionsExecutionPolicy_v2: [
    ["states", "StartExecution StartSyncExecution", "states:stateMachine:${stateMachineName}"],
  ],
  SESBulkTemplatedCrudPolicy_v2: [
    [
      "ses",
      "SendEmail SendRawEmail SendTemplatedEmail SendBulkTemplatedEmail",
      "ses:identity/${identityName}",
      "ses:template/${templateName}",
    ],
    ["ses", "GetIdentityVerificationAttributes VerifyEmailIdentity", "*"],
  ],
  StepFunctionsCallbackPolicy: [
    ["states", "SendTaskFailure SendTaskHeartbeat SendTaskSuccess", "states:stateMachine:${stateMachineName}"],
  ],
  KMSEncryptPolicy_v2: [
    [
      "kms",
      "Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext",
      "kms:key/${keyId}",
    ],
  ],
};
