import { decodingError } from "../../aws/protocol/values.ts";
import { encodeResponse } from "../../aws/protocol/encode-response.ts";
import { RPC_JSON } from "../../aws/protocol/json.ts";
import { readQueryInput } from "../../aws/protocol/query.ts";
import { valueReader, valueWriter } from "../../aws/protocol/value-codec.ts";
import type { Shape } from "../../aws/model.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import type { Context } from "../../aws/context.ts";

/** What an integration asks of a service's operation: JSON, or a form as the query protocol has it; and how it wants the answer. */
export type Asked = ({ readonly json: unknown } | { readonly form: URLSearchParams }) & { readonly wantsXml?: boolean };

/** Calls an operation; answers what the service would. Throws AwsError. */
export async function callOperation(
  as: Context<any>,
  service: string,
  operation: string,
  asked: Asked,
): Promise<Answered> {
  const all = as.registry.models.load(service);
  const model = all.operation(operation);
  if (!model) throw new AwsError("InvalidAction", `The action ${operation} is not valid for this endpoint.`, 400);
  const input = inputOf(model.input, asked);
  const output: object = await as.call(service as "sqs", operation as "SendMessage", input as never);
  if (asked.wantsXml) {
    const { body = "" } = encodeResponse(
      { model: all, operation: model, protocol: "awsQuery" },
      output as Record<string, unknown>,
      as.requestId,
    );
    return { type: "text/xml", text: String(body as Buffer | string) };
  }
  const own = model.output.kind === "unit" ? {} : (valueWriter(RPC_JSON, model.output)(output) as object);
  if ("json" in asked) return json(own);
  const ResponseMetadata = { RequestId: as.requestId };
  const result = model.output.kind === "unit" ? {} : { [`${operation}Result`]: withNulls(model.output, own) };
  return json({ [`${operation}Response`]: { ...result, ResponseMetadata } });
}

/** A service's answer as it is written. */
export interface Answered {
  readonly type: string;
  readonly text: string;
}

export const json = (value: object): Answered => ({ type: "application/json", text: JSON.stringify(value) });

function inputOf(shape: Shape, asked: Asked): object {
  if (shape.kind === "unit") return {};
  try {
    if ("form" in asked) return readQueryInput(shape, asked.form, "awsQuery") as object;
    return valueReader(RPC_JSON, shape)(asked.json, 0) as object;
  } catch (error) {
    throw decodingError(error);
  }
}

/** The query protocol in JSON names every member, those without a value too. */
function withNulls(shape: Shape, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (shape.kind === "list") return (value as unknown[]).map((one) => withNulls(shape.value.shape, one));
  if (shape.kind !== "structure") return value;
  const given = value as Record<string, unknown>;
  return Object.fromEntries(shape.members.map(({ name, shape: of }) => [name, withNulls(of, given[name])]));
}
