import type * as S3 from "@aws-sdk/client-s3";
import type { Context } from "../../aws/context.ts";
import { bucketOfHost } from "../../aws/route-s3.ts";
import { AwsError } from "../../kernel/aws-error.ts";
import { malformedXml } from "./errors.ts";
import { MAX_CORS_RULES } from "./limits.ts";
import { findBucket } from "./store/buckets.ts";

const METHODS: readonly string[] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

export function checkedCors(rules: readonly S3.CORSRule[] | undefined): S3.CORSRule[] {
  if (!rules || rules.length === 0 || rules.length > MAX_CORS_RULES) throw malformedXml();
  for (const rule of rules) {
    if (!rule.AllowedMethods?.length || !rule.AllowedOrigins?.length) throw malformedXml();
    for (const method of rule.AllowedMethods) {
      if (!METHODS.includes(method))
        throw new AwsError(
          "InvalidRequest",
          `Found unsupported HTTP method in CORS config. Unsupported method is ${method}`,
          400,
        );
    }
    for (const pattern of [...rule.AllowedOrigins, ...(rule.AllowedHeaders ?? [])]) {
      if (pattern.split("*").length > 2)
        throw new AwsError("InvalidRequest", `AllowedOrigin "${pattern}" can not have more than one wildcard.`, 400);
    }
  }
  return [...rules];
}

function fits(pattern: string, text: string, ignoreCase = false): boolean {
  const [p, t] = ignoreCase ? [pattern.toLowerCase(), text.toLowerCase()] : [pattern, text];
  const star = p.indexOf("*");
  if (star < 0) return p === t;
  return t.length >= p.length - 1 && t.startsWith(p.slice(0, star)) && t.endsWith(p.slice(star + 1));
}

/** The headers by which a browser is told that it may; `undefined` where no rule fits. */
export function corsAnswer(
  rules: readonly S3.CORSRule[] | undefined,
  origin: string,
  method: string,
  requestedHeaders: readonly string[] = [],
): Record<string, string> | undefined {
  const rule = rules?.find((each) => {
    const allowed = each.AllowedHeaders ?? [];
    return (
      each.AllowedOrigins?.some((pattern) => fits(pattern, origin)) &&
      each.AllowedMethods?.includes(method) &&
      requestedHeaders.every((header) => allowed.some((pattern) => fits(pattern, header, true)))
    );
  });
  if (!rule) return undefined;
  const any = rule.AllowedOrigins?.includes("*") === true;
  return {
    "access-control-allow-origin": any ? "*" : origin,
    "access-control-allow-methods": (rule.AllowedMethods ?? []).join(", "),
    ...(any ? {} : { "access-control-allow-credentials": "true" }),
    ...(requestedHeaders.length > 0 ? { "access-control-allow-headers": requestedHeaders.join(", ") } : {}),
    ...(rule.ExposeHeaders?.length ? { "access-control-expose-headers": rule.ExposeHeaders.join(", ") } : {}),
    ...(rule.MaxAgeSeconds === undefined ? {} : { "access-control-max-age": String(rule.MaxAgeSeconds) }),
    vary: "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
  };
}

/** What browsers have to know of an answer, whatever it says. */
export async function browserHeaders(
  ctx: Context<any>,
  method: string,
  input: { Bucket?: string; Key?: string },
): Promise<Record<string, string> | undefined> {
  const { origin, host = "" } = ctx.http ?? {};
  // By path, users' pages share their origin with each other, and as `<bucket>.<our host>` with a project's page or an API
  // that has the name or will have it: none of them may act for another.
  const hasOwnOrigin = bucketOfHost(host, ctx.platform.settings.publicHost) !== undefined;
  const shared = hasOwnOrigin ? undefined : { "content-security-policy": "sandbox" };
  // Without a body, S3 still says what it would be.
  const own = method === "HEAD" && input.Key === undefined ? { ...shared, "content-type": "application/xml" } : shared;
  if (origin === undefined || input.Bucket === undefined) return own;
  const bucket = await findBucket(ctx, input.Bucket);
  return { ...own, ...corsAnswer(bucket?.config.cors, origin, method) };
}
