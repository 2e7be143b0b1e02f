// npm run bench -- functions [part] [rounds]: the function runtime, each figure against its reference in the same run.
import { startBench, type Bench } from "./functions/bench-kit.ts";
import { burst, cold } from "./functions/cold.ts";
import { many } from "./functions/many.ts";
import { events, memory, streaming } from "./functions/others.ts";
import { invoke, warm } from "./functions/warm.ts";
import { report } from "./measure.ts";

const PARTS: Record<string, (bench: Bench, rounds: number) => Promise<object>> = {
  warm,
  invoke,
  cold,
  burst,
  events,
  streaming,
  memory,
  many,
};

const chosen = process.argv[2];
const rounds = Number(process.argv[3] ?? 5);
if (chosen !== undefined && !(chosen in PARTS)) {
  process.stderr.write(`There is no part ${chosen}. There are: ${Object.keys(PARTS).join(", ")}\n`);
  process.exit(2);
}
const result: Record<string, object> = {};
for (const [name, part] of Object.entries(PARTS)) {
  if (chosen !== undefined && chosen !== name) continue;
  const bench = await startBench();
  try {
    result[name] = await part(bench, rounds);
    process.stderr.write(`${name}: ${JSON.stringify(result[name])}\n`);
  } finally {
    await bench.stop();
  }
}
report({ bench: "functions", rounds, ...result });
