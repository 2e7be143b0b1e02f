import { readTemplate } from "../../engines/cloudformation/index.ts";
import { EXPORTED_TEMPLATE, releaseTemplate } from "./release-template.ts";

/**
 * What the template of a project's repository asks of the toolchain. CodeStar's generators changed over the years, and
 * a repository of any year must deploy as it is.
 */
export interface Generation {
  /** `template-configuration.json` is part of the build's artifact. */
  readonly hasTemplateConfiguration: boolean;
  /** The template has the parameter `CodeDeployRole`. */
  readonly hasCodeDeployRole: boolean;
  /** The template lacks the parameter `ProjectId`: an application that CodeStar did not generate. */
  readonly lacksProjectId?: boolean;
  /** The template imports `<id>-<region>-LambdaTrustRole` (2017, 2018). */
  readonly importsLambdaRole: boolean;
  /** Where the packaged template is in the build's artifact, where it is not `template-export.yml`. */
  readonly exportedTemplate?: string;
  /** The build's instructions, or the name of their file, where they are not the repository's `buildspec.yml`. */
  readonly buildspec?: string;
  /** Parameters of the template that somebody must give a value: they have no default. */
  readonly neededParameters?: readonly string[];
  /** Values of the template's parameters. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** The type of a resource that runs on a virtual machine: no toolchain of ours deploys it. */
  readonly machine?: string;
}

/** What the toolchain gives to templates that ask for it. */
const OWN_PARAMETERS = new Set(["ProjectId", "CodeDeployRole"]);
const MACHINES = new Set(["AWS::EC2::Instance", "AWS::ElasticBeanstalk::Environment"]);

/** Reads the generation off the repository's files: the texts of its template and of its buildspec, and whether there is a configuration. */
export function generationOf(files: {
  template: string;
  buildspec: string;
  hasTemplateConfiguration: boolean;
}): Generation {
  // A template that cannot be read is the deployment's to refuse.
  const { Parameters: declared, Resources: resources } = readTemplate(files.template).source?.value ?? {};
  const parameters = declared && typeof declared === "object" ? declared : {};
  const types = Object.values(resources ?? {}).map((resource) => String(resource?.["Type"]));
  const machine = types.find((type) => MACHINES.has(type));
  const needed = Object.entries(parameters)
    .filter(([name, declared]) => !OWN_PARAMETERS.has(name) && !hasDefault(declared))
    .map(([name]) => name);
  const { exported } = releaseTemplate(files.buildspec);
  return {
    hasTemplateConfiguration: files.hasTemplateConfiguration && files.buildspec.includes("template-configuration.json"),
    hasCodeDeployRole: "CodeDeployRole" in parameters,
    lacksProjectId: !("ProjectId" in parameters),
    importsLambdaRole: files.template.includes("LambdaTrustRole"),
    ...(exported === EXPORTED_TEMPLATE ? {} : { exportedTemplate: exported }),
    ...(needed.length > 0 ? { neededParameters: needed } : {}),
    ...(machine ? { machine } : {}),
  };
}

const hasDefault = (declared: unknown): boolean =>
  typeof declared === "object" && declared !== null && "Default" in declared;
