import type { ServerResponse } from "node:http";

const TEXTS = {
  deploying: {
    status: 503,
    title: "is being deployed",
    text: "The pipeline is at work, or its last run has failed before anything was live. This page looks again by itself.",
  },
  pageless: {
    status: 404,
    title: "has no page",
    text: "It is deployed, but its stack has no API that could serve one. Call its functions by name.",
  },
  unknown: {
    status: 404,
    title: "is not a project here",
    text: "Check the name, or make a project of this name: <code>npx starling new</code>.",
  },
} as const;

/** What is at a project's address while its application is not. `id` has been matched against the form of ids. */
export function projectPage(response: ServerResponse, about: { id: string; is: keyof typeof TEXTS }): void {
  const { status, title, text } = TEXTS[about.is];
  const refresh = status === 503 ? '<meta http-equiv="refresh" content="1">' : "";
  const body = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">${refresh}<title>${about.id} ${title}</title>
<style>body{margin:0;min-height:100vh;display:grid;place-items:center;font:17px/1.6 system-ui,sans-serif}main{max-width:32rem;padding:2rem;text-align:center}h1{font-size:1.7rem;margin:1rem 0 .3rem}p{opacity:.75;margin:0}
i{display:inline-block;width:.8rem;height:.8rem;margin:.2rem;border-radius:50%;background:#5b49f5;animation:b 1.2s infinite ease-in-out}i:nth-child(2){animation-delay:.15s}i:nth-child(3){animation-delay:.3s}@keyframes b{50%{transform:translateY(-.6rem);opacity:.5}}</style></head>
<body><main>${status === 503 ? "<div><i></i><i></i><i></i></div>" : ""}<h1>${about.id} ${title}</h1><p>${text}</p></main></body></html>
`;
  response.writeHead(status, {
    "content-type": "text/html; charset=utf-8",
    "content-length": String(Buffer.byteLength(body)),
    "cache-control": "no-store",
    ...(status === 503 ? { "retry-after": "1" } : {}),
  });
  response.end(body);
}
