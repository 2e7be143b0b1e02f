import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import { createModelRegistry } from "../../src/aws/model.ts";
import type { HttpRequest } from "../../src/aws/protocol/index.ts";
import { routeOperation, type RouteOptions } from "../../src/aws/route-operation.ts";
import { bucketOfHost, bucketOfS3Host, isSignedForS3 } from "../../src/aws/route-s3.ts";

const models = createModelRegistry();

function request(line: string, headers: Record<string, string> = {}, body = ""): HttpRequest {
  const [method = "", url = ""] = line.split(" ");
  const [path = "", rawQuery = ""] = url.split("?");
  return {
    method,
    path,
    rawQuery,
    query: new URLSearchParams(rawQuery),
    headers: { host: "localhost:4566", ...headers },
    body: async () => Buffer.from(body),
    stream: Readable.from([]),
  };
}

/** `service.Operation protocol` of a request, or the code of its refusal. */
async function meaning(of: HttpRequest, options: RouteOptions = {}): Promise<string> {
  const route = await routeOperation(models, of, options);
  return route.found ? `${route.model.name}.${route.operation.name} ${route.protocol}` : route.error.code;
}

const FORM = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };

describe("which operation a request means", () => {
  test("X-Amz-Target", async () => {
    const json = (target: string, version: string) =>
      meaning(request("POST /", { "x-amz-target": target, "content-type": `application/x-amz-json-${version}` }));
    assert.equal(await json("DynamoDB_20120810.GetItem", "1.0"), "dynamodb.GetItem awsJson1_0");
    assert.equal(await json("CodeStar_20170419.ListProjects", "1.1"), "codestar.ListProjects awsJson1_1");
    assert.equal(
      await json("AWSCloud9WorkspaceManagementService.ListEnvironments", "1.1"),
      "cloud9.ListEnvironments awsJson1_1",
    );
    assert.equal(await json("AmazonSQS.SendMessage", "1.0"), "sqs.SendMessage awsJson1_0");
    assert.equal(await json("AmazonS3.PutObject", "1.0"), "UnknownOperationException");
  });

  test("the path of rpc-v2-cbor", async () => {
    const path = "/service/GraniteServiceVersion20100801/operation/PutMetricData";
    assert.equal(
      await meaning(request(`POST ${path}`, { "smithy-protocol": "rpc-v2-cbor" })),
      "monitoring.PutMetricData rpcv2Cbor",
    );
  });

  test("the form's Action and Version, or the signature's service", async () => {
    const sts = "Action=GetCallerIdentity&Version=2011-06-15";
    assert.equal(await meaning(request("POST /", FORM, sts)), "sts.GetCallerIdentity awsQuery");
    assert.equal(await meaning(request(`GET /?${sts}`)), "sts.GetCallerIdentity awsQuery");
    const sqs = "Action=ListQueues&Version=2012-11-05";
    assert.equal(await meaning(request("POST /", FORM, sqs), { signingName: "sqs" }), "sqs.ListQueues awsQuery");
    const metrics = "Action=ListMetrics&Version=2010-08-01";
    assert.equal(
      await meaning(request("POST /", FORM, metrics), { signingName: "monitoring" }),
      "monitoring.ListMetrics awsQuery",
    );
    assert.equal(
      await meaning(request("POST /", FORM, "Action=ListQueues&Version=2012-11-05"), { signingName: "iam" }),
      "InvalidAction",
    );
    assert.equal(await meaning(request("POST /", FORM, "a=b"), { signingName: "iam" }), "MissingAction");
    const stacks = request("GET /?Action=DescribeStacks&StackName=a");
    assert.equal(
      await meaning(stacks, { signingName: "cloudformation" }),
      "cloudformation.DescribeStacks awsQuery",
      "a signature says which service, so no version is needed",
    );
    const restapis = request("GET /restapis?Action=x");
    assert.equal(await meaning(restapis, { signingName: "apigateway" }), "apigateway.GetRestApis restJson1");
  });

  test("REST paths, within the signature's service where there is one", async () => {
    const gateway = { signingName: "apigateway" };
    assert.equal(await meaning(request("GET /restapis"), gateway), "apigateway.GetRestApis restJson1");
    assert.equal(await meaning(request("GET /v2/apis"), gateway), "apigatewayv2.GetApis restJson1");
    assert.equal(
      await meaning(request("GET /2015-03-31/functions/"), { signingName: "lambda" }),
      "lambda.ListFunctions restJson1",
    );
    assert.equal(await meaning(request("GET /2015-03-31/functions")), "lambda.ListFunctions restJson1");
    assert.equal(await meaning(request("GET /nothing"), { signingName: "lambda" }), "UnknownOperationException");
  });

  test("an encoded slash stays inside of its label", async () => {
    const path = "/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2Fabc";
    const route = await routeOperation(models, request(`GET ${path}`), { signingName: "apigateway" });
    assert.ok(route.found);
    assert.deepEqual(route.labels, { resourceArn: "arn:aws:apigateway:us-east-1::/restapis/abc" });
  });
});

describe("S3", () => {
  const s3 = (line: string, headers: Record<string, string> = {}) =>
    meaning(request(line, headers), { signingName: "s3" }).then((text) => text.replace(/^s3\.| restXml$/g, ""));

  test("operations that share a path", async () => {
    assert.equal(await s3("GET /"), "ListBuckets");
    assert.equal(await s3("GET /b"), "ListObjects");
    assert.equal(await s3("GET /b/?list-type=2"), "ListObjectsV2");
    assert.equal(await s3("GET /b?versioning"), "GetBucketVersioning");
    assert.equal(await s3("GET /b?location="), "GetBucketLocation");
    assert.equal(await s3("PUT /b"), "CreateBucket");
    assert.equal(await s3("PUT /b/k"), "PutObject");
    assert.equal(await s3("PUT /b/k", { "x-amz-copy-source": "a/b" }), "CopyObject");
    assert.equal(await s3("PUT /b/k?partNumber=1&uploadId=u"), "UploadPart");
    assert.equal(await s3("PUT /b/k?partNumber=1&uploadId=u", { "x-amz-copy-source": "a/b" }), "UploadPartCopy");
    assert.equal(await s3("POST /b?delete"), "DeleteObjects");
    assert.equal(await s3("POST /b/k?uploads"), "CreateMultipartUpload");
    assert.equal(await s3("POST /b/k?uploadId=u"), "CompleteMultipartUpload");
    assert.equal(await s3("DELETE /b/k?uploadId=u"), "AbortMultipartUpload");
    assert.equal(await s3("HEAD /b/k"), "HeadObject");
    assert.equal(await s3("GET /b/k?tagging"), "GetObjectTagging");
    assert.equal(await s3("GET /b/k?x-id=GetObject"), "GetObject");
    assert.equal(await s3("PATCH /b/k"), "MethodNotAllowed");
  });

  test("buckets in hosts", async () => {
    for (const host of [
      "b.s3.localhost:4566",
      "b.s3.amazonaws.com",
      "b.s3.eu-west-1.amazonaws.com",
      "b.s3-eu-west-1.amazonaws.com",
    ]) {
      const route = await routeOperation(models, request("GET /k/%2F?x=1", { host }), { signingName: "s3" });
      assert.ok(route.found);
      assert.deepEqual([route.operation.name, route.labels], ["GetObject", { Bucket: "b", Key: "k//" }], host);
    }
    for (const host of [
      "s3.amazonaws.com",
      "s3.us-east-1.amazonaws.com",
      "localhost:4566",
      "s3.localhost",
      "127.0.0.1",
    ]) {
      assert.equal(bucketOfS3Host(host), undefined, host);
    }
    assert.equal(bucketOfHost("my.dotted.bucket.s3.us-gov-west-1.amazonaws.com"), "my.dotted.bucket");
    assert.equal(bucketOfHost("b.s3.example.org", "example.org"), "b");
    assert.equal(bucketOfHost("b.example.org", "example.org"), undefined);
    assert.equal(bucketOfS3Host("b.example.org:443", "example.org"), "b");
    for (const host of ["platform.localhost", "console.localhost", "s3.platform.localhost", "us-east-1.localhost"])
      assert.equal(bucketOfS3Host(host, "platform.localhost"), undefined, host);
  });

  test("a request is S3's by its signature, not by what a browser asks to send", () => {
    const isS3 = (headers: Record<string, string>) => isSignedForS3({ headers, query: new URLSearchParams() });
    const scope = "AKID/20261123/us-east-1/s3/aws4_request";
    assert.equal(isS3({ authorization: `AWS4-HMAC-SHA256 Credential=${scope}, Signature=x` }), true);
    assert.equal(isS3({ "access-control-request-headers": "x-amz-content-sha256" }), false);
  });

  test("unsigned requests that no REST service answers", async () => {
    assert.equal(await meaning(request("GET /b/k")), "s3.GetObject restXml");
    assert.equal(await meaning(request("GET /k", { host: "b.s3.localhost:4566" })), "s3.GetObject restXml");
  });
});
