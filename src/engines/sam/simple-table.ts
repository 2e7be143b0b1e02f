import { isObject } from "../yaml/index.ts";
import type { SamContext, SamResource } from "./context.ts";
import { addResource, compact, SamFault, tagList } from "./context.ts";

const TYPES: Readonly<Record<string, string>> = { String: "S", Number: "N", Binary: "B" };

/** Translates AWS::Serverless::SimpleTable: a DynamoDB table with one key. */
export function translateSimpleTable(context: SamContext, resource: SamResource): void {
  const { id, properties: p } = resource;
  const key = isObject(p.PrimaryKey) ? p.PrimaryKey : { Name: "id", Type: "String" };
  if (key.Name === undefined) throw new SamFault(id, "'PrimaryKey' is missing required Property 'Name'.");
  if (key.Type === undefined) throw new SamFault(id, "'PrimaryKey' is missing required Property 'Type'.");
  const type = TYPES[String(key.Type)];
  if (!type) throw new SamFault(id, `Invalid 'Type' "${String(key.Type)}".`);
  const properties = compact({
    TableName: p.TableName,
    AttributeDefinitions: [{ AttributeName: key.Name, AttributeType: type }],
    KeySchema: [{ AttributeName: key.Name, KeyType: "HASH" }],
    BillingMode: p.ProvisionedThroughput === undefined ? "PAY_PER_REQUEST" : undefined,
    ProvisionedThroughput: p.ProvisionedThroughput,
    SSESpecification: p.SSESpecification,
    PointInTimeRecoverySpecification: p.PointInTimeRecoverySpecification,
    Tags: p.Tags === undefined ? undefined : tagList(p.Tags),
  });
  addResource(context, id, "AWS::DynamoDB::Table", properties, resource.attributes);
}
