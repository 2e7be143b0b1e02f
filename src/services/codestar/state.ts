import type { SyncedStacks } from "./boundary.ts";

/** What CodeStar keeps in memory while the platform runs; all of it can be found again. */
export interface CodeStarState {
  readonly synced: SyncedStacks;
  /** Where each project's application was last found. */
  readonly addresses: Map<
    string,
    { readonly found: { readonly host: string; readonly prefix: string }; readonly until: number }
  >;
}
