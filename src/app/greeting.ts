import type { Config } from "./config.ts";
import type { Running } from "./embedded.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What `npm start` ends with: where everything is and what to do next. */
export async function greet(running: Running, _config: Config, dataShown: string): Promise<void> {
  const { publicUrl } = running.platform.settings;
  say("");
  say(`Starling is ready at ${publicUrl} (${running.platform.sandboxes.driver}).`);
  say(`  Data:     ${dataShown}`);
  say('  Log in:   eval "$(npx starling env)"   (sets up aws, the SDKs and git in this shell)');
}
