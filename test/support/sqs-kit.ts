import assert from "node:assert/strict";
import { SQS, type Message } from "@aws-sdk/client-sqs";
import { startTestApp, type TestApp } from "./test-app.ts";

export const ACCOUNT = "000000000000";
export const arnOf = (name: string): string => `arn:aws:sqs:us-east-1:${ACCOUNT}:${name}`;

/** A check for `assert.rejects`: the error's code, and what its message says. */
export const refused = (code: string, message?: RegExp) => (error: any) => {
  assert.equal(error.name, code, `${error.name}: ${error.message}`);
  if (message) assert.match(error.message, message);
  return true;
};

/** A platform without sandboxes, and what tests of queues share. */
export interface SqsKit {
  readonly app: TestApp;
  readonly sqs: SQS;
  /** Makes a queue; a FIFO one where the attributes say so. */
  queue(attributes?: Record<string, string>): Promise<{ QueueUrl: string; name: string }>;
  receive(QueueUrl: string, more?: object): Promise<Message[]>;
  bodies(QueueUrl: string, more?: object): Promise<(string | undefined)[]>;
  stop(): Promise<void>;
}

export async function openSqsKit(): Promise<SqsKit> {
  const app = await startTestApp();
  const sqs = new SQS(app.client);
  let made = 0;
  const receive = async (QueueUrl: string, more: object = {}): Promise<Message[]> =>
    (await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10, ...more })).Messages ?? [];
  return {
    app,
    sqs,
    async queue(Attributes = {}) {
      const name = `q${made++}${Attributes["FifoQueue"] ? ".fifo" : ""}`;
      const { QueueUrl } = await sqs.createQueue({ QueueName: name, Attributes });
      return { QueueUrl: QueueUrl!, name };
    },
    receive,
    bodies: async (QueueUrl, more) => (await receive(QueueUrl, more)).map(({ Body }) => Body),
    async stop() {
      sqs.destroy();
      await app.stop();
    },
  };
}
