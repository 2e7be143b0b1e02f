import { IAM } from "@aws-sdk/client-iam";
import {
  Lambda,
  type CreateFunctionCommandInput,
  type InvokeCommandInput,
  type InvokeCommandOutput,
} from "@aws-sdk/client-lambda";
import type { ClientSettings } from "./test-app.ts";
import { trust } from "./stacks.ts";
import { zip } from "./zip.ts";

type Files = Parameters<typeof zip>[0];

/** What tests of functions share. */
export interface FunctionKit {
  readonly lambda: Lambda;
  /** ARN of a role that functions may have; it may write logs. */
  readonly role: string;
  /** Makes a function of files (or a zip), `index.handler` in Node 24 where nothing else is said; answers its name. */
  create(files: Files | Buffer, options?: Partial<CreateFunctionCommandInput>): Promise<string>;
  /** Calls it and reads the answer, and the log's tail where it was asked for. */
  call(
    name: string,
    event?: unknown,
    options?: Partial<InvokeCommandInput>,
  ): Promise<InvokeCommandOutput & { readonly text: string; readonly value: any; readonly log: string }>;
}

export async function functionKit(client: ClientSettings): Promise<FunctionKit> {
  const lambda = new Lambda(client);
  const iam = new IAM(client);
  const RoleName = "fn";
  const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) });
  await iam.attachRolePolicy({
    RoleName,
    PolicyArn: "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
  });
  const role = Role!.Arn!;
  let n = 0;
  return {
    lambda,
    role,
    async create(files, options = {}) {
      const made = await lambda.createFunction({
        FunctionName: `f${n++}`,
        Role: role,
        Runtime: "nodejs24.x",
        Handler: "index.handler",
        Code: { ZipFile: Buffer.isBuffer(files) ? files : await zip(files) },
        ...options,
      });
      return made.FunctionName!;
    },
    async call(FunctionName, event = {}, options = {}) {
      const answer = await lambda.invoke({ FunctionName, Payload: JSON.stringify(event), ...options });
      const text = Buffer.from(answer.Payload ?? []).toString();
      return {
        ...answer,
        text,
        value: text ? JSON.parse(text) : undefined,
        log: Buffer.from(answer.LogResult ?? "", "base64").toString(),
      };
    },
  };
}
