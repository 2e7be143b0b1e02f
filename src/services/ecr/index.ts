import type * as Ecr from "@aws-sdk/client-ecr";
import { defineService } from "../../aws/service.ts";
import { policies } from "./api/policies.ts";
import { repositories } from "./api/repositories.ts";
import { tags } from "./api/tags.ts";
import { repository } from "./resources/repository.ts";

/** Elastic Container Registry: repositories, as deploy tools make and look for them. Images cannot be pushed yet. */
export const ecr = defineService<typeof Ecr>({
  name: "ecr",
  operations: { ...repositories, ...policies, ...tags },
  resources: [repository],
});
