'use strict';

/** What a browser sees at `/`. */
exports.page = ({ output, timestamp }) => `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${output}</title>
    <style>
      :root { --ink: #10201a; --soft: #557066; --paper: #f3faf6; --card: #fff; --line: #d9ebe2; --accent: #0b8f5a; }
      @media (prefers-color-scheme: dark) {
        :root { --ink: #e8f6ef; --soft: #97b3a7; --paper: #0b1512; --card: #12211c; --line: #21382f; --accent: #3ddc97; }
      }
      * { box-sizing: border-box; }
      body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; font: 17px/1.6 system-ui, sans-serif;
        color: var(--ink); background: radial-gradient(40rem 24rem at 80% 0, color-mix(in srgb, var(--accent) 22%, transparent), transparent 70%), var(--paper); }
      main { width: min(38rem, 100%); padding: clamp(1.5rem, 5vw, 3rem); border: 1px solid var(--line); border-radius: 1.4rem; background: var(--card); }
      svg { width: 4rem; } path { fill: none; stroke: var(--accent); stroke-width: 5; stroke-linecap: round; stroke-linejoin: round; }
      h1 { margin: 0.6rem 0 0.2rem; font-size: clamp(2rem, 7vw, 3rem); line-height: 1.1; letter-spacing: -0.02em; }
      p { color: var(--soft); }
      pre { margin: 1.2rem 0 0; padding: 1rem; white-space: pre-wrap; overflow-wrap: anywhere; border-radius: 0.8rem; background: #0e1714; color: #d5f5e5; font: 0.88rem/1.5 ui-monospace, Menlo, monospace; }
    </style>
  </head>
  <body>
    <main>
      <svg viewBox="0 0 64 64" aria-hidden="true"><path d="M20 20 8 32l12 12M44 20l12 12-12 12M37 12 27 52" /></svg>
      <h1>${output}</h1>
      <p>An Express application, run by a function, answered at <time>${timestamp}</time>. Its routes are in <code>app.js</code>.</p>
      <pre>curl -H 'Accept: application/json' &lt;this address&gt;
curl -d '{"name":"you"}' -H 'Content-Type: application/json' &lt;this address&gt;</pre>
    </main>
  </body>
</html>
`;
