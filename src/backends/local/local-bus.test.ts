import { runContract } from "../../ports/bus.contract.ts";
import { openLocalBus } from "./local-bus.ts";

runContract({
  open: async () => ({ bus: openLocalBus(), settle: async () => undefined, dispose: async () => undefined }),
});
