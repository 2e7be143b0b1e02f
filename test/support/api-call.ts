import { request } from "node:http";

export interface ApiAnswer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
  /** The body, where it is JSON. */
  readonly json: any;
}

/** Sends a request to an API by its host, as browsers do. */
export function callApi(
  port: number,
  api: string,
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: string } = {},
): Promise<ApiAnswer> {
  const headers = { host: `${api}.execute-api.localhost:${port}`, ...options.headers };
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, method, path, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        let json: unknown;
        try {
          json = JSON.parse(text);
        } catch {
          json = undefined;
        }
        resolve({ status: answer.statusCode!, headers: answer.headers, text, json });
      });
    });
    sent.on("error", reject).end(options.body);
  });
}
