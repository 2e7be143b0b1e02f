import { defineService } from "../../aws/service.ts";
import { applications } from "./api/applications.ts";
import { tags } from "./api/tags.ts";
import { application } from "./resources/application.ts";
import type { ApplicationInsightsModule } from "./shapes.ts";

/** Application Insights: applications as they were asked for, which templates of SAM make. Nothing monitors them yet, and they say so. */
export const applicationInsights = defineService<ApplicationInsightsModule>({
  name: "applicationinsights",
  operations: { ...applications, ...tags },
  resources: [application],
});
