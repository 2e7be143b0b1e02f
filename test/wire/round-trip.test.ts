import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import type { Server } from "node:http";
import { AwsError } from "../../src/kernel/aws-error.ts";
import type { Protocol } from "../../src/aws/model-pack.ts";
import { createModelRegistry, type OperationModel, type ServiceModel, type Shape } from "../../src/aws/model.ts";
import { MODEL_SOURCES } from "../../tools/generate-models/services.ts";
import { comparable, difference, withoutEmpty } from "./compare-values.ts";
import { RandomValues } from "./random-values.ts";
import { ACCESS_KEY, SECRET, startWireServer, type WireCall } from "./wire-server.ts";

/*
 * Every operation of every service that has an SDK client: a random input goes through the real client to our server and
 * must arrive as it was; a random output must come out of the client as it was; a random modelled error likewise.
 */

type Values = Record<string, unknown>;
interface Client {
  send(command: object): Promise<Values>;
  destroy(): void;
  readonly config: { readonly protocolSettings: Values };
}

const requirePackage = createRequire(import.meta.url);
const protocols = requirePackage("@aws-sdk/core/protocols") as Record<string, unknown>;
const { NodeHttpHandler } = requirePackage("@smithy/node-http-handler") as { NodeHttpHandler: new () => unknown };

/** Protocols beside a client's own that its service must still speak, because older clients do. */
const OTHER_PROTOCOLS: Readonly<Record<string, readonly (readonly [Protocol, string])[]>> = {
  monitoring: [
    ["rpcv2Cbor", "AwsSmithyRpcV2CborProtocol"],
    ["awsQuery", "AwsQueryProtocol"],
  ],
  sqs: [["awsQuery", "AwsQueryProtocol"]],
};

/** What cannot be equal on random data, and why. Anything else that differs is a fault. */
const KNOWN_LEFTOVERS: Readonly<Record<string, string>> = {
  "events.PutEvents input threw":
    "an EndpointId needs a signature of form 4a, which the client has only as an extra package",
  "s3.PutObject input .Body": "a body that was not given arrives as an empty stream",
  "s3.UploadPart input .Body": "a body that was not given arrives as an empty stream",
  "s3.PutObjectAnnotation input .AnnotationPayload": "a body that was not given arrives as an empty stream",
  "s3.PutObject input .ChecksumCRC32": "a checksum that the client adds",
  "s3.PutObjectAnnotation input .ChecksumCRC32": "a checksum that the client adds",
  "s3.UploadPart input .ChecksumCRC32": "a checksum that the client adds",
  "s3.WriteGetObjectResponse input threw": "is sent to a host of its own, s3-object-lambda",
  "s3.GetObject output .ContentType": "a body without a type gets one",
  "cloudfront.GetFunction output .ContentType": "a body without a type gets one",
  "sqs.ReceiveMessage input .AttributeNames":
    "the query protocol has one name for two members; the handler merges them",
  "sqs.ReceiveMessage input .MessageSystemAttributeNames": "the query protocol has one name for two members",
  "sqs.ReceiveMessage output threw": "the client checks MD5s, which are random here",
  "sqs.SendMessage output threw": "the client checks MD5s, which are random here",
  "sqs.SendMessageBatch output threw": "the client checks MD5s, which are random here",
};

/** Members that clients fill in by themselves. */
const CLIENT_ADDED = [
  "ChecksumAlgorithm",
  "ChecksumMode",
  "ClientRequestToken",
  "ClientToken",
  "clientToken",
  "idempotencyToken",
  "clientRequestToken",
  "UserContextData",
  "OperationId",
];

const models = createModelRegistry();
let endpoint = "";
let server: Server;
let seen: { operation: string; input: Values } | undefined;
let reply: unknown;

before(async () => {
  ({ server, endpoint } = await startWireServer({
    models,
    handler: async ({ route, input }: WireCall) => {
      seen = { operation: route.operation.name, input: ((await comparable(input)) ?? {}) as Values };
      if (reply instanceof Error) throw reply;
      return reply;
    },
  }));
});

after(() => {
  server.close();
  server.closeAllConnections();
});

describe("every operation through the SDK's clients", () => {
  for (const source of MODEL_SOURCES) {
    if (!source.client) continue;
    const model = models.load(source.name);
    const variants: readonly (readonly [Protocol, string?])[] = [
      [model.protocol],
      ...(OTHER_PROTOCOLS[source.name] ?? []),
    ];
    for (const [protocol, className] of variants) {
      test(`${source.name} (${protocol})`, async () => {
        const sdk = requirePackage(`@aws-sdk/client-${source.client}`) as Record<string, new (input: Values) => Client>;
        const client = makeClient(sdk, className);
        const faults: string[] = [];
        const random = new RandomValues(42);
        for (const name of model.operationNames()) {
          const Command = sdk[`${name}Command`];
          const operation = model.operation(name)!;
          if (!Command || streamsEvents(operation)) continue;
          const trip = { client, Command, model, operation, protocol, random, faults };
          await roundTrip(trip);
        }
        client.destroy();
        const unknown = faults.filter((fault) => !isKnown(fault, protocol));
        assert.equal(unknown.length, 0, `\n${unknown.join("\n")}`);
      });
    }
  }
});

interface Trip {
  readonly client: Client;
  readonly Command: new (input: Values) => object;
  readonly model: ServiceModel;
  readonly operation: OperationModel;
  readonly protocol: Protocol;
  readonly random: RandomValues;
  readonly faults: string[];
}

async function roundTrip(trip: Trip): Promise<void> {
  const { client, Command, model, operation, random } = trip;
  const input = random.structure(operation.input);
  const output = random.structure(operation.output);
  if (model.name === "s3") adaptToS3(operation, input, output);
  if ("AccountId" in input) input.AccountId = "000000000000";
  const report = (what: string): void => void trip.faults.push(`${model.name}.${operation.name} ${what}`);
  const expectedInput = await comparable(input);

  reply = output;
  seen = undefined;
  let received: Values | undefined;
  try {
    received = await client.send(new Command(copy(input) as Values));
  } catch (error) {
    report(`${seen ? "output" : "input"} threw ${String(error).slice(0, 160)}`);
  }
  if (!seen) return;
  compareInput(trip, input, expectedInput, seen, report);
  if (received) {
    const found = difference(shape(trip, await comparable(output)), shape(trip, await comparable(received)));
    if (found) report(`output ${found}`);
  }
  if (operation.http?.method !== "HEAD") await errorTrip(trip, input, report);
}

function compareInput(
  trip: Trip,
  input: Values,
  expected: unknown,
  arrived: { operation: string; input: Values },
  report: (what: string) => void,
): void {
  if (arrived.operation !== trip.operation.name) return report(`input arrived at ${arrived.operation}`);
  for (const name of CLIENT_ADDED) if (input[name] === undefined) delete arrived.input[name];
  const found = difference(shape(trip, expected) ?? {}, shape(trip, arrived.input) ?? {});
  if (found) report(`input ${found}`);
}

/** XML and forms cannot tell empty from absent. */
function shape(trip: Trip, value: unknown): unknown {
  return trip.protocol === "restXml" || trip.protocol === "awsQuery" ? withoutEmpty(value) : value;
}

async function errorTrip(trip: Trip, input: Values, report: (what: string) => void): Promise<void> {
  const { client, Command, model, random } = trip;
  const names = model.errorNames();
  if (names.length === 0) return;
  const errorShape = model.error(random.pick(names))!;
  const fields = random.errorFields(errorShape);
  reply = new AwsError(errorShape.name, "mé<&", 400, fields);
  try {
    await client.send(new Command(copy(input) as Values));
    report(`error ${errorShape.name} was not thrown`);
  } catch (thrown) {
    await compareError(trip, errorShape, fields, thrown as Error & Values, report);
  }
}

async function compareError(
  trip: Trip,
  errorShape: Shape,
  fields: Values,
  thrown: Error & Values,
  report: (what: string) => void,
): Promise<void> {
  const named = thrown.name === errorShape.name || thrown.name === errorShape.awsQueryError?.[0];
  if (!named || thrown.message !== "mé<&") {
    return report(`error expected ${errorShape.name}, found ${thrown.name}: ${thrown.message.slice(0, 100)}`);
  }
  if (trip.protocol === "restXml") return; // the client does not read members of S3's errors
  const received = Object.fromEntries(Object.keys(fields).map((name) => [name, thrown[name]]));
  const found = difference(shape(trip, await comparable(fields)), shape(trip, await comparable(received)));
  if (found) report(`error ${errorShape.name} ${found}`);
}

function makeClient(sdk: Record<string, new (input: Values) => Client>, protocolClass: string | undefined): Client {
  const name = Object.keys(sdk).find((key) => key.endsWith("Client") && !key.startsWith("_") && key !== "Client")!;
  return new sdk[name]!({
    endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET },
    maxAttempts: 1,
    disableHostPrefix: true,
    requestHandler: new NodeHttpHandler(), // Kinesis would speak HTTP/2
    ...(protocolClass !== undefined && {
      protocol: protocols[protocolClass],
      ...querySettings(sdk, name, protocolClass),
    }),
  });
}

/** The settings by which a client of SQS speaks the protocol that it spoke before JSON. */
function querySettings(
  sdk: Record<string, new (input: Values) => Client>,
  name: string,
  protocolClass: string,
): Values {
  const { protocolSettings } = new sdk[name]!({ region: "us-east-1" }).config;
  const xmlNamespace = protocolSettings.xmlNamespace ?? "http://queue.amazonaws.com/doc/2012-11-05/";
  return {
    protocolSettings: {
      ...protocolSettings,
      protocol: undefined,
      xmlNamespace,
      ...(protocolClass === "AwsQueryProtocol" && { awsQueryCompatible: false }),
    },
  };
}

function streamsEvents({ input, output }: OperationModel): boolean {
  return [...input.members, ...output.members].some(
    (member) => member.shape.kind === "union" && member.traits.streaming,
  );
}

/** S3's client checks checksums and lengths, and takes the bucket for a host name. */
function adaptToS3(operation: OperationModel, input: Values, output: Values): void {
  if ("Bucket" in input) input.Bucket = "mybucket";
  for (const name of Object.keys(input)) {
    if (/SSECustomer|Checksum|ContentMD5|ContentLength|ContentEncoding|CopySource$/.test(name)) delete input[name];
  }
  if (operation.input.members.some((member) => member.name === "CopySource")) input.CopySource = "b/k";
  for (const name of Object.keys(output)) if (/Checksum|ContentLength|^Expires/.test(name)) delete output[name];
  if (operation.output.members.some((member) => member.name === "CopyPartResult"))
    output.CopyPartResult ??= { ETag: "x" };
}

/** Clients change what they are given. */
function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null || value instanceof Date || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(copy);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, copy(item)]));
}

function isKnown(fault: string, protocol: Protocol): boolean {
  return Object.keys(KNOWN_LEFTOVERS).some(
    (known) => `${fault} (${protocol})`.startsWith(known) || fault.startsWith(known),
  );
}
