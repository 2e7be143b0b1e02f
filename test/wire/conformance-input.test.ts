import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, test } from "node:test";
import { isRest, type ModelRegistry, type ServiceModel } from "../../src/aws/model.ts";
import { decodeRequest, type HttpRequest } from "../../src/aws/protocol/index.ts";
import { matchRestOperation } from "../../src/aws/route-rest.ts";
import { routeOperation } from "../../src/aws/route-operation.ts";
import { comparable, withoutEmpty } from "./compare-values.ts";
import { absent, CONFORMANCE, conformanceCases, handlerValue, type InputCase } from "./conformance-data.ts";

/* Requests that others published for each protocol, written for clients: a server must read them as they were meant. */

/** Cases that are about clients alone, with the reason. */
const CLIENT_ONLY: readonly (readonly [id: RegExp, reason: string])[] = [
  [/^SDKAppli|^SDKAppend/, "the case has headers of a compressed body, but no body"],
  [/QueryPrecedence$/, "a map that has a parameter of another member too: the wire cannot show both"],
  [/NullAndEmptyHeaders$/, "empty values are not sent"],
  [/^RestJsonOmitsEmptyListQueryValues$/, "empty lists are not sent"],
  [/^RestJsonHttpPrefixHeadersAreNotPresent$/, "an empty map is not sent"],
  [
    /^RestJsonHttpWith(EmptyStructurePayload|HeadersButNoPayload)$/,
    "the client sends {} for a payload that is not there",
  ],
  [
    /^RestJson(AllQueryStringTypes|QueryStringEscaping|ZeroAndFalseQueryValues|Supports.*FloatQueryValues)$/,
    "the map of all parameters holds those of no other member: API Gateway's operations rely on it",
  ],
];

const skip = absent("protocols");

describe("published requests of each protocol", { skip }, () => {
  if (skip) return;
  for (const file of readdirSync(join(CONFORMANCE, "protocols/input")).filter((name) => name.endsWith(".json"))) {
    test(file, async () => {
      const faults: string[] = [];
      for (const { case: each, model } of conformanceCases<InputCase>(`input/${file}`)) {
        if (CLIENT_ONLY.some(([id]) => id.test(each.id))) continue;
        await check(each, model).catch((error: unknown) => faults.push(`${each.id}: ${String(error).slice(0, 1000)}`));
      }
      assert.equal(faults.length, 0, `\n${faults.join("\n")}`);
    });
  }
});

async function check(each: InputCase, model: ServiceModel): Promise<void> {
  const request = toRequest(each, model);
  const operation = model.operation(each.given.name)!;
  const { protocol } = model;
  let labels: Readonly<Record<string, string>> = {};
  if (isRest(protocol)) {
    const match = matchRestOperation(model, request);
    assert.ok(match, `no operation answers ${request.method} ${request.path}`);
    labels = match.labels;
  } else {
    const models: ModelRegistry = {
      heads: [model],
      load: () => model,
      has: (name) => name === model.name,
      compiled: new Map(),
    };
    const route = await routeOperation(models, request);
    assert.ok(route.found, "the request was not routed");
    assert.equal(route.operation.name, each.given.name);
    assert.equal(route.protocol, protocol);
  }
  const input = await decodeRequest({ model, operation, protocol, labels }, request);
  const expected = handlerValue({ shape: operation.input, traits: {} }, each.params);
  const simplify =
    protocol === "awsQuery" || protocol === "ec2Query" || protocol === "restXml" ? withoutEmpty : (x: unknown) => x;
  assert.deepEqual(
    withoutTokens(simplify(await comparable(input))),
    withoutTokens(simplify(await comparable(expected))),
  );
}

/** The cases have clients fill in idempotency tokens of a fixed value. */
function withoutTokens(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value ?? {};
  return Object.fromEntries(
    Object.entries(value).filter(([, item]) => item !== "00000000-0000-4000-8000-000000000000"),
  );
}

function toRequest(each: InputCase, model: ServiceModel): HttpRequest {
  const { method, uri, headers = {}, body = "" } = each.serialized;
  const bytes = Buffer.from(body, model.protocol === "rpcv2Cbor" ? "base64" : "utf8");
  const [path = "", rawQuery = ""] = uri.split("?");
  return {
    method,
    path,
    rawQuery,
    query: new URLSearchParams(rawQuery),
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
    body: async () => bytes,
    stream: Readable.from([bytes], { objectMode: false }),
  };
}
