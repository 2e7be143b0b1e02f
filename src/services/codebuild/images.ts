import { BuildFailure } from "../../compute/build/index.ts";

/** Images that builds may name. All of them run with the tools of this machine. */
export const CURATED_IMAGES: readonly {
  readonly name: string;
  readonly description: string;
  readonly versions: readonly string[];
}[] = [
  {
    name: "aws/codebuild/amazonlinux-x86_64-standard:5.0",
    description: "Tools of this machine",
    versions: ["aws/codebuild/amazonlinux-x86_64-standard:5.0"],
  },
  {
    name: "aws/codebuild/amazonlinux2-x86_64-standard:5.0",
    description: "Tools of this machine",
    versions: ["aws/codebuild/amazonlinux2-x86_64-standard:5.0"],
  },
  {
    name: "aws/codebuild/standard:7.0",
    description: "Tools of this machine",
    versions: ["aws/codebuild/standard:7.0"],
  },
];

/** Ends a build whose image cannot be had: a project may name any image, as on AWS. */
export function checkImage(image: string): void {
  if (/^aws\/codebuild\/(?!windows|macos|\.)[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?$/.test(image)) return;
  throw new BuildFailure(
    "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
    `Unable to pull customer's container image. CannotPullContainerError: Starling pulls no container images: ${image} is not available. Use an image of aws/codebuild/ for Linux, which stands for the tools of this machine`,
  );
}
