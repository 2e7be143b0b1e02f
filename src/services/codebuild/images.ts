import { notImplemented } from "../../kernel/aws-error.ts";

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

/** Refuses an image that builds cannot run in, by its name. */
export function checkImage(image: string): void {
  if (/^aws\/codebuild\/(?!windows|macos|\.)[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?$/.test(image)) return;
  throw notImplemented(
    `builds in the container image ${image} (an image of aws/codebuild/ for Linux runs with the tools of this machine)`,
  );
}
