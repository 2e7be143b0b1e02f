type Json = Record<string, any>;

const EXTENSION = "x-amazon-apigateway-endpoint-configuration";

/** What an OpenAPI document says of the API's own endpoint: at its top, or at a server, as OpenAPI 3 has it. */
export function endpointOf(document: Json): { disableExecuteApiEndpoint?: boolean } {
  const given = (document[EXTENSION] ?? (document["servers"] as Json[] | undefined)?.[0]?.[EXTENSION]) as
    | Json
    | undefined;
  const said: unknown = given?.["disableExecuteApiEndpoint"];
  return said === undefined ? {} : { disableExecuteApiEndpoint: String(said) === "true" };
}
