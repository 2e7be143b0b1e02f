import type { Config } from "./config.ts";
import type { Running } from "./embedded.ts";
import { sampleProject } from "./sample-project.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** What `npm start` ends with: where everything is and what to do next. The first start makes the sample project before. */
export async function greet(running: Running, config: Config, dataShown: string): Promise<void> {
  const { publicUrl } = running.platform.settings;
  const sample = config.sample === "on" ? await sampleProject(running, say) : undefined;
  if (running.platform.signal.aborted) return;
  say("");
  say(`Starling is ready at ${publicUrl} (${running.platform.sandboxes.driver}).`);
  if (sample) {
    say(`  Page:     ${sample.url}`);
    say(`  Clone:    git clone ${sample.cloneUrl}`);
  }
  say('  Log in:   eval "$(npx starling env)"   (sets up aws, the SDKs and git in this shell)');
  say(`  Data:     ${dataShown}`);
  say("");
  if (sample)
    say("  Next: log in, clone, edit public/index.html, commit and push: the page is new a few seconds later.");
  else say("  Next: log in, then npx starling new <name> --template nodejs-web-application");
}
