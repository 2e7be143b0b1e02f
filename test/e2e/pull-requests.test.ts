import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CloudWatchLogs } from "@aws-sdk/client-cloudwatch-logs";
import { CodeCommit } from "@aws-sdk/client-codecommit";
import { EventBridge } from "@aws-sdk/client-eventbridge";
import { IAM } from "@aws-sdk/client-iam";
import { cannotRun, startPlatform, type TestPlatform } from "../support/platform.ts";

const GROUP = "/aws/events/pulls";

describe("pull requests", { skip: cannotRun }, () => {
  let platform: TestPlatform;
  let codecommit: CodeCommit;
  let reviewer: CodeCommit;
  before(async () => {
    platform = await startPlatform({});
    codecommit = new CodeCommit(platform.client);
    const iam = new IAM(platform.client);
    await iam.createUser({ UserName: "reviewer" });
    await iam.attachUserPolicy({ UserName: "reviewer", PolicyArn: "arn:aws:iam::aws:policy/AdministratorAccess" });
    const { AccessKey } = await iam.createAccessKey({ UserName: "reviewer" });
    const credentials = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
    reviewer = new CodeCommit({ ...platform.client, credentials });
    const events = new EventBridge(platform.client);
    await new CloudWatchLogs(platform.client).createLogGroup({ logGroupName: GROUP });
    await events.putRule({
      Name: "pulls",
      EventPattern: '{"detail-type":[{"prefix":"CodeCommit Pull Request"},{"prefix":"CodeCommit Comment"}]}',
    });
    const Arn = `arn:aws:logs:us-east-1:000000000000:log-group:${GROUP}`;
    await events.putTargets({ Rule: "pulls", Targets: [{ Id: "1", Arn }] });
  });
  after(() => platform?.stop());

  let n = 0;
  /** A repository with `main`, and a branch `work` one commit further on. */
  async function repository(ahead = "hello\n2\n") {
    const repositoryName = `pulls${n++}`;
    await codecommit.createRepository({ repositoryName });
    const first = await put(repositoryName, "main", undefined, "hello\n");
    await codecommit.createBranch({ repositoryName, branchName: "work", commitId: first });
    const second = await put(repositoryName, "work", first, ahead);
    return { repositoryName, first, second };
  }

  async function put(repositoryName: string, branchName: string, parentCommitId: string | undefined, text: string) {
    const putFiles = [{ filePath: "a.txt", fileContent: Buffer.from(text) }];
    const { commitId } = await codecommit.createCommit({ repositoryName, branchName, parentCommitId, putFiles });
    return commitId!;
  }

  const open = async (repositoryName: string) => {
    const targets = [{ repositoryName, sourceReference: "work", destinationReference: "main" }];
    return (await codecommit.createPullRequest({ title: "Second line", targets })).pullRequest!;
  };

  test("a pull request is opened, follows its branch, and is merged", async () => {
    const { repositoryName, first, second } = await repository();
    const pull = await open(repositoryName);
    const { pullRequestId } = pull;
    const [target] = pull.pullRequestTargets!;
    assert.deepEqual(
      [target!.sourceReference, target!.sourceCommit, target!.destinationCommit, target!.mergeBase],
      ["refs/heads/work", second, first, first],
    );
    assert.equal(target!.mergeMetadata!.isMerged, false);
    const third = await put(repositoryName, "work", second, "hello\n2\n3\n");
    const moved = (await codecommit.getPullRequest({ pullRequestId })).pullRequest!;
    assert.equal(moved.pullRequestTargets![0]!.sourceCommit, third);
    assert.notEqual(moved.revisionId, pull.revisionId);
    assert.deepEqual(
      (await codecommit.listPullRequests({ repositoryName, pullRequestStatus: "OPEN" })).pullRequestIds,
      [pullRequestId],
    );
    const merge = { pullRequestId, repositoryName };
    await assert.rejects(codecommit.mergePullRequestByFastForward({ ...merge, sourceCommitId: second }), {
      name: "TipOfSourceReferenceIsDifferentException",
    });
    const { pullRequest: merged } = await codecommit.mergePullRequestByFastForward(merge);
    assert.equal(merged!.pullRequestStatus, "CLOSED");
    assert.deepEqual(merged!.pullRequestTargets![0]!.mergeMetadata, {
      isMerged: true,
      mergedBy: pull.authorArn,
      mergeCommitId: third,
      mergeOption: "FAST_FORWARD_MERGE",
    });
    assert.equal((await codecommit.getBranch({ repositoryName, branchName: "main" })).branch!.commitId, third);
    const { pullRequestEvents } = await codecommit.describePullRequestEvents({ pullRequestId });
    assert.deepEqual(pullRequestEvents!.map((e) => e.pullRequestEventType).reverse(), [
      "PULL_REQUEST_CREATED",
      "PULL_REQUEST_SOURCE_REFERENCE_UPDATED",
      "PULL_REQUEST_MERGE_STATE_CHANGED",
    ]);
    await assert.rejects(codecommit.mergePullRequestByFastForward(merge), {
      name: "PullRequestAlreadyClosedException",
    });
    const said = await told(3, (d) => d["pullRequestId"] === pullRequestId);
    assert.deepEqual(said.map((d) => d["event"]).sort(), [
      "pullRequestCreated",
      "pullRequestMergeStatusUpdated",
      "pullRequestSourceBranchUpdated",
    ]);
  });

  /** Details of events, once there are `count` of them or the time is over. */
  async function told(count: number, test: (detail: Record<string, unknown>) => boolean) {
    const logs = new CloudWatchLogs(platform.client);
    const deadline = Date.now() + 15_000;
    for (;;) {
      const { events = [] } = await logs.filterLogEvents({ logGroupName: GROUP });
      const found = events
        .map((e) => (JSON.parse(e.message!) as { detail: Record<string, unknown> }).detail)
        .filter(test);
      if (found.length >= count || Date.now() > deadline) return found;
      await new Promise((next) => setTimeout(next, 50));
    }
  }

  test("a conflict is told, and decided by the strategy that the caller names", async () => {
    const { repositoryName, first } = await repository("ours\n");
    await put(repositoryName, "main", first, "theirs\n");
    const { pullRequestId } = await open(repositoryName);
    const specifiers = { repositoryName, sourceCommitSpecifier: "work", destinationCommitSpecifier: "main" };
    const { mergeable, conflictMetadataList } = await codecommit.getMergeConflicts({
      ...specifiers,
      mergeOption: "THREE_WAY_MERGE",
    });
    assert.equal(mergeable, false);
    assert.deepEqual(
      conflictMetadataList!.map((c) => [c.filePath, c.contentConflict, c.fileSizes]),
      [["a.txt", true, { source: 5, destination: 7, base: 6 }]],
    );
    assert.deepEqual((await codecommit.getMergeOptions(specifiers)).mergeOptions, []);
    const merge = { pullRequestId, repositoryName };
    await assert.rejects(codecommit.mergePullRequestByThreeWay(merge), { name: "ManualMergeRequiredException" });
    await assert.rejects(codecommit.mergePullRequestByFastForward(merge), { name: "ManualMergeRequiredException" });
    const { pullRequest } = await codecommit.mergePullRequestByThreeWay({
      ...merge,
      conflictResolutionStrategy: "ACCEPT_SOURCE",
      commitMessage: "Both",
    });
    const commitId = pullRequest!.pullRequestTargets![0]!.mergeMetadata!.mergeCommitId!;
    const { commit } = await codecommit.getCommit({ repositoryName, commitId });
    assert.equal(commit!.parents!.length, 2);
    assert.equal(commit!.message, "Both");
    const { fileContent } = await codecommit.getFile({ repositoryName, filePath: "a.txt" });
    assert.equal(Buffer.from(fileContent!).toString(), "ours\n");
  });

  test("branches are merged into one commit without a pull request", async () => {
    const { repositoryName, first } = await repository();
    const other = { filePath: "b.txt", fileContent: Buffer.from("b") };
    await codecommit.createCommit({ repositoryName, branchName: "main", parentCommitId: first, putFiles: [other] });
    const specifiers = { repositoryName, sourceCommitSpecifier: "work", destinationCommitSpecifier: "main" };
    const { mergeOptions, baseCommitId } = await codecommit.getMergeOptions(specifiers);
    assert.deepEqual([mergeOptions, baseCommitId], [["SQUASH_MERGE", "THREE_WAY_MERGE"], first]);
    const { commitId } = await codecommit.mergeBranchesBySquash({ ...specifiers, authorName: "Ada" });
    const { commit } = await codecommit.getCommit({ repositoryName, commitId: commitId! });
    assert.equal(commit!.parents!.length, 1);
    assert.equal(commit!.author!.name, "Ada");
    const { files } = await codecommit.getFolder({ repositoryName, folderPath: "/" });
    assert.deepEqual(
      files!.map((f) => f.absolutePath),
      ["a.txt", "b.txt"],
    );
  });

  test("approval rules hold a merge back until others approve this revision, or somebody overrides them", async () => {
    const { repositoryName } = await repository();
    const { pullRequestId, revisionId } = await open(repositoryName);
    const content = (needed: number) =>
      JSON.stringify({
        Version: "2018-11-08",
        Statements: [
          { Type: "Approvers", NumberOfApprovalsNeeded: needed, ApprovalPoolMembers: ["CodeCommitApprovers:review*"] },
        ],
      });
    const rule = { pullRequestId, approvalRuleName: "two eyes" };
    await codecommit.createPullRequestApprovalRule({ ...rule, approvalRuleContent: content(1) });
    const merge = { pullRequestId, repositoryName };
    await assert.rejects(codecommit.mergePullRequestByFastForward(merge), {
      name: "PullRequestApprovalRulesNotSatisfiedException",
    });
    const approve = { pullRequestId, revisionId, approvalState: "APPROVE" as const };
    await assert.rejects(codecommit.updatePullRequestApprovalState(approve), {
      name: "PullRequestCannotBeApprovedByAuthorException",
    });
    await reviewer.updatePullRequestApprovalState(approve);
    const evaluate = async () =>
      (await codecommit.evaluatePullRequestApprovalRules({ pullRequestId, revisionId })).evaluation!;
    assert.deepEqual(await evaluate(), {
      approved: true,
      overridden: false,
      approvalRulesSatisfied: ["two eyes"],
      approvalRulesNotSatisfied: [],
    });
    await codecommit.updatePullRequestApprovalRuleContent({ ...rule, newRuleContent: content(2) });
    assert.equal((await evaluate()).approved, false);
    await codecommit.overridePullRequestApprovalRules({ pullRequestId, revisionId, overrideStatus: "OVERRIDE" });
    assert.equal((await evaluate()).overridden, true);
    assert.equal((await codecommit.mergePullRequestBySquash(merge)).pullRequest!.pullRequestStatus, "CLOSED");
  });

  test("comments: on a pull request, in answer, changed by their author only, with reactions", async () => {
    const { repositoryName, first, second } = await repository();
    const { pullRequestId } = await open(repositoryName);
    const place = { repositoryName, pullRequestId, beforeCommitId: first, afterCommitId: second };
    const location = { filePath: "a.txt", filePosition: 2, relativeFileVersion: "AFTER" as const };
    const { comment } = await codecommit.postCommentForPullRequest({ ...place, location, content: "Why 2?" });
    const commentId = comment!.commentId!;
    await reviewer.postCommentReply({ inReplyTo: commentId, content: "Because." });
    await assert.rejects(reviewer.updateComment({ commentId, content: "x" }), {
      name: "CommentNotCreatedByCallerException",
    });
    await codecommit.updateComment({ commentId, content: "Why two?" });
    await reviewer.putCommentReaction({ commentId, reactionValue: ":thumbsup:" });
    const { commentsForPullRequestData: threads } = await codecommit.getCommentsForPullRequest({ pullRequestId });
    assert.equal(threads!.length, 1);
    assert.deepEqual(
      threads![0]!.comments!.map((c) => [c.content, c.inReplyTo, c.reactionCounts]),
      [
        ["Why two?", undefined, { ":thumbsup:": 1 }],
        ["Because.", commentId, {}],
      ],
    );
    assert.deepEqual(threads![0]!.location, location);
    await codecommit.deleteCommentContent({ commentId });
    await assert.rejects(codecommit.updateComment({ commentId, content: "x" }), { name: "CommentDeletedException" });
  });

  test("what cannot be is refused in AWS's words", async () => {
    const { repositoryName } = await repository();
    const { pullRequestId } = await open(repositoryName);
    const targets = (sourceReference: string) => [{ repositoryName, sourceReference, destinationReference: "main" }];
    const cases: [() => Promise<unknown>, string][] = [
      [
        () => codecommit.createPullRequest({ title: "t", targets: targets("main") }),
        "SourceAndDestinationAreSameException",
      ],
      [() => codecommit.createPullRequest({ title: "t", targets: targets("none") }), "ReferenceDoesNotExistException"],
      [() => codecommit.getPullRequest({ pullRequestId: "999" }), "PullRequestDoesNotExistException"],
      [() => codecommit.getPullRequest({ pullRequestId: "x" }), "InvalidPullRequestIdException"],
      [
        () => codecommit.updatePullRequestStatus({ pullRequestId, pullRequestStatus: "OPEN" }),
        "InvalidPullRequestStatusUpdateException",
      ],
      [
        () =>
          codecommit.createPullRequestApprovalRule({ pullRequestId, approvalRuleName: "r", approvalRuleContent: "{}" }),
        "InvalidApprovalRuleContentException",
      ],
      [() => codecommit.getComment({ commentId: "none" }), "CommentDoesNotExistException"],
    ];
    for (const [call, name] of cases) await assert.rejects(call(), { name });
    await codecommit.updatePullRequestStatus({ pullRequestId, pullRequestStatus: "CLOSED" });
    await assert.rejects(codecommit.updatePullRequestTitle({ pullRequestId, title: "x" }), {
      name: "PullRequestAlreadyClosedException",
    });
    await codecommit.deleteRepository({ repositoryName });
    await assert.rejects(codecommit.getPullRequest({ pullRequestId }), { name: "PullRequestDoesNotExistException" });
  });

  test("triggers are kept, and name functions that are there for them", async () => {
    const { repositoryName } = await repository();
    const destinationArn = "arn:aws:lambda:us-east-1:000000000000:function:none";
    const trigger = { name: "t", destinationArn, branches: ["main"], events: ["all" as const], customData: "x" };
    await codecommit.putRepositoryTriggers({ repositoryName, triggers: [trigger] });
    assert.deepEqual((await codecommit.getRepositoryTriggers({ repositoryName })).triggers, [trigger]);
    const { failedExecutions } = await codecommit.testRepositoryTriggers({ repositoryName, triggers: [trigger] });
    assert.equal(failedExecutions![0]!.trigger, "t");
  });

  test("templates give the pull requests of their repositories rules that only the template changes", async () => {
    const { repositoryName } = await repository();
    const approvalRuleTemplateName = "two eyes";
    const content = (branch: string) =>
      JSON.stringify({
        Version: "2018-11-08",
        DestinationReferences: [`refs/heads/${branch}`],
        Statements: [{ Type: "Approvers", NumberOfApprovalsNeeded: 1 }],
      });
    const made = { approvalRuleTemplateName, approvalRuleTemplateContent: content("main") };
    await codecommit.createApprovalRuleTemplate(made);
    await assert.rejects(codecommit.createApprovalRuleTemplate(made), {
      name: "ApprovalRuleTemplateNameAlreadyExistsException",
    });
    await codecommit.createApprovalRuleTemplate({
      approvalRuleTemplateName: "elsewhere",
      approvalRuleTemplateContent: content("release"),
    });
    const repositoryNames = [repositoryName, "no-such"];
    const { associatedRepositoryNames, errors } = await codecommit.batchAssociateApprovalRuleTemplateWithRepositories({
      approvalRuleTemplateName,
      repositoryNames,
    });
    assert.deepEqual(associatedRepositoryNames, [repositoryName]);
    assert.equal(errors![0]!.errorCode, "RepositoryDoesNotExistException");
    await codecommit.associateApprovalRuleTemplateWithRepository({
      approvalRuleTemplateName: "elsewhere",
      repositoryName,
    });
    const { pullRequestId, approvalRules, revisionId } = await open(repositoryName);
    assert.deepEqual(
      approvalRules!.map((rule) => rule.originApprovalRuleTemplate!.approvalRuleTemplateName),
      [approvalRuleTemplateName],
    );
    await assert.rejects(
      codecommit.deletePullRequestApprovalRule({ pullRequestId, approvalRuleName: approvalRuleTemplateName }),
      { name: "CannotDeleteApprovalRuleFromTemplateException" },
    );
    const merge = () => codecommit.mergePullRequestByFastForward({ pullRequestId, repositoryName });
    await assert.rejects(merge(), { name: "PullRequestApprovalRulesNotSatisfiedException" });
    await reviewer.updatePullRequestApprovalState({ pullRequestId, revisionId, approvalState: "APPROVE" });
    await merge();
    await assert.rejects(codecommit.deleteApprovalRuleTemplate({ approvalRuleTemplateName }), {
      name: "ApprovalRuleTemplateInUseException",
    });
    const both = { approvalRuleTemplateName, repositoryName };
    await codecommit.disassociateApprovalRuleTemplateFromRepository(both);
    await codecommit.deleteApprovalRuleTemplate({ approvalRuleTemplateName });
    const listed = await codecommit.listAssociatedApprovalRuleTemplatesForRepository({ repositoryName });
    assert.deepEqual(listed.approvalRuleTemplateNames, ["elsewhere"]);
    await assert.rejects(codecommit.getRepository({ repositoryName: "no good" }), {
      name: "InvalidRepositoryNameException",
      message: /^The repository name is not valid\. .* see Limits in the AWS CodeCommit User Guide/,
    });
  });
});
