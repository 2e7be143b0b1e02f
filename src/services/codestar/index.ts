import { defineService } from "../../aws/service.ts";
import { profiles } from "./api/profiles.ts";
import { projects } from "./api/projects.ts";
import { resources } from "./api/resources.ts";
import { tags } from "./api/tags.ts";
import { team } from "./api/team.ts";
import { syncBoundaries } from "./boundary.ts";
import { creationWorker } from "./creation.ts";
import { deletionWorker } from "./deletion.ts";
import { projectRoute } from "./routes.ts";
import type { CodeStarModule } from "./shapes.ts";
import type { CodeStarState } from "./state.ts";

/** CodeStar: projects, each with the toolchain that turns a push into what is live. */
export const codestar = defineService<CodeStarModule, CodeStarState>({
  name: "codestar",
  operations: { ...projects, ...tags, ...team, ...profiles, ...resources },
  routes: [projectRoute],
  workers: [creationWorker, deletionWorker],
  periodic: [{ name: "project boundaries", everyMs: 3_000, run: syncBoundaries }],
  start: () => ({ synced: new Map(), addresses: new Map() }),
});
