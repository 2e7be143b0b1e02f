import { initial } from "./0001-initial.ts";
import type { Migration } from "./migration.ts";

/** The history of the state's schema, oldest first. */
export const stateMigrations: readonly Migration[] = [initial];
