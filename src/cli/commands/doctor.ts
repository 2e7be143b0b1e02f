import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { visit } from "../../app/api-client.ts";
import { holderOf } from "../../app/backup.ts";
import { readConfig } from "../../app/config.ts";
import { messageOf } from "../../kernel/aws-error.ts";
import { parseArguments } from "../arguments.ts";
import type { Command } from "../command.ts";
import { connect } from "../platform.ts";
import { codeFolder, dataFolder } from "../project-root.ts";

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
  /** How to mend it. */
  readonly remedy?: string;
}

const MIN_FREE = 1024 ** 3;

/** Programs where a sandbox sees them, with the Debian package that holds each. */
const PROGRAMS: readonly (readonly [files: readonly string[], name: string])[] = [
  [["/usr/bin/git"], "git"],
  [["/usr/bin/crun", "/usr/sbin/runc", "/usr/bin/runc"], "crun"],
  [["/usr/bin/python3"], "python3"],
  [["/usr/bin/aws"], "awscli"],
  [["/usr/bin/slirp4netns"], "slirp4netns"],
  [["/usr/sbin/nft"], "nftables"],
  [["/usr/bin/unshare"], "util-linux"],
  [["/usr/bin/curl"], "curl"],
];

/** starling doctor. */
export const doctor: Command = {
  name: "doctor",
  summary: "Check this host and the running platform",
  usage: "starling doctor [--json]",
  async run(args) {
    const parsed = parseArguments(args, { switches: ["--json"] });
    const findings = [...host(args), ...(await platform(args))];
    if (parsed.has("--json")) console.log(JSON.stringify(findings, undefined, 2));
    else
      for (const f of findings)
        console.log(
          `${f.ok ? "ok     " : "PROBLEM"}  ${f.what}: ${f.detail}${f.ok || !f.remedy ? "" : `\n         ${f.remedy}`}`,
        );
    return findings.every((f) => f.ok) ? 0 : 1;
  },
};

function host(args: readonly string[]): Finding[] {
  const data = dataFolder(readConfig({ args, env: process.env, folder: codeFolder }).data);
  const programs = PROGRAMS.map(([files, name]): Finding => {
    const found = files.find((file) => existsSync(file));
    return {
      what: name,
      ok: found !== undefined,
      detail: found ?? "not installed",
      remedy: `sudo apt-get install -y ${name}`,
    };
  });
  return [
    {
      what: "Linux",
      ok: process.platform === "linux",
      detail: `${process.platform} ${process.arch}`,
      remedy: "Starling isolates with Linux namespaces",
    },
    {
      what: "Node",
      ok: Number(process.versions.node.split(".")[0]) >= 24,
      detail: process.version,
      remedy: "run node bin/prepare.mjs",
    },
    ...programs,
    dataFinding(data),
  ];
}

function dataFinding(data: string): Finding {
  const what = "data folder";
  if (!existsSync(data)) return { what, ok: true, detail: `${data} (the first start makes it)` };
  try {
    accessSync(data, constants.R_OK | constants.W_OK);
    const { bavail, bsize } = statfsSync(data);
    const free = bavail * bsize;
    return {
      what,
      ok: free > MIN_FREE,
      detail: `${data}, ${(free / 1024 ** 3).toFixed(1)} GiB free`,
      remedy: "free some disk space: below 1 GiB builds and deployments fail",
    };
  } catch (error) {
    return { what, ok: false, detail: messageOf(error), remedy: "the platform runs as root: use sudo" };
  }
}

async function platform(args: readonly string[]): Promise<Finding[]> {
  try {
    const { call, place, data } = connect(args);
    const { host } = new URL(place.publicUrl);
    const health = await visit(place.publicUrl, host, "/_starling/health");
    const ready: Finding = {
      what: "platform",
      ok: health.status === 200,
      detail: `${place.publicUrl} answers ${health.status}`,
      remedy: "it is starting or stopping: look again in a moment",
    };
    const pid = holderOf(data);
    const who = await call("sts", "GetCallerIdentity", {});
    return [
      ready,
      { what: "credentials", ok: true, detail: `${who.Arn}${pid === undefined ? "" : `, process ${pid}`}` },
    ];
  } catch (error) {
    return [{ what: "platform", ok: false, detail: messageOf(error), remedy: "npm start" }];
  }
}
