import { X509Certificate } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { INSIDE } from "./network.ts";

const SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
/** Where the bundle, and our own authority with what the host adds to the usual ones, are in every sandbox. */
export const TRUST = { bundle: SYSTEM_BUNDLE, extra: "/etc/ssl/certs/starling.pem" } as const;
/** Variables in which administrators name further authorities. */
const HOST_SETTINGS = [
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
  "npm_config_cafile",
  "PIP_CERT",
];
const MAX_BUNDLE = 8 << 20;

function readPem(file: string): string[] {
  try {
    const text = readFileSync(file, "utf8").slice(0, MAX_BUNDLE);
    return text.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  } catch {
    return [];
  }
}

/** What sandboxes trust: the host's authorities, those its settings add, and ours. */
export function trustBundles(ca: string, environment: NodeJS.ProcessEnv): { bundle: string; extra: string } {
  const system = readPem(SYSTEM_BUNDLE);
  const known = new Set(system.map((pem) => pem.replace(/\s/g, "")));
  const files = new Set(
    HOST_SETTINGS.flatMap((name) => environment[name] ?? []).filter((file) => file !== SYSTEM_BUNDLE),
  );
  const added = [...files].flatMap(readPem).filter((pem) => {
    const key = pem.replace(/\s/g, "");
    const isNew = !known.has(key);
    known.add(key);
    return isNew;
  });
  return { bundle: `${[...system, ...added, ca.trim()].join("\n")}\n`, extra: `${[...added, ca.trim()].join("\n")}\n` };
}

/** Throws where the text is not one certificate of an authority. */
export function checkCa(pem: string): void {
  if (pem.length > 65536 || !new X509Certificate(pem).ca)
    throw new Error("the certificate of the installation's authority is not valid");
}

const FUNCTION_FOLDERS = [
  "usr",
  "proc",
  "dev",
  "sys",
  "tmp",
  "etc/ssl/certs",
  "etc/alternatives",
  "var/task",
  "var/runtime",
  "var/lang/bin",
  "run/starling",
  "opt",
  "node_modules",
  "home",
  "root",
];

function writeUserFiles(root: string, users: string, groups: string): void {
  writeFileSync(join(root, "etc/passwd"), `root:x:0:0::/:/sbin/nologin\n${users}`);
  writeFileSync(join(root, "etc/group"), `root:x:0:\n${groups}`);
}

function linkUsr(root: string): void {
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    if (existsSync(`/usr/${name}`)) symlinkSync(`usr/${name}`, join(root, name));
  }
}

/** The root that all functions share, read-only; what differs is mounted into it. */
export function makeFunctionSkeleton(root: string): void {
  for (const folder of FUNCTION_FOLDERS) mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, "tmp"), 0o1777); // runc gives the tmpfs the mode of what it covers
  linkUsr(root);
  // Where Lambda has its interpreter: scripts in layers name it so. Runtimes with one of their own mount it there.
  for (const name of ["python", "python3"]) symlinkSync("/usr/bin/python3", join(root, "var/lang/bin", name));
  // Whose files are the host's is nobody inside: a name for it, for those who ask for a file's owner.
  const nobody = "nobody:x:65534:65534::/:/sbin/nologin\n";
  writeUserFiles(root, `sbx_user1051:x:993:990::/tmp:/sbin/nologin\n${nobody}`, "sbx:x:990:\nnogroup:x:65534:\n");
  writeFileSync(join(root, "etc/nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files dns\n");
  writeFileSync(join(root, "etc/hosts"), "127.0.0.1 localhost\n127.0.0.1 sandbox sandbox.localdomain\n");
  writeFileSync(join(root, "etc/resolv.conf"), `nameserver ${INSIDE.dns}\noptions timeout:2 attempts:2\n`);
  writeFileSync(join(root, "etc/hostname"), "sandbox\n");
  for (const file of [
    "/etc/ld.so.cache",
    "/etc/ssl/openssl.cnf",
    "/etc/services",
    "/etc/protocols",
    "/etc/localtime",
    "/etc/os-release",
  ]) {
    if (existsSync(file)) copyFileSync(file, join(root, file));
  }
}

/** Puts the authorities into a root. */
export function writeTrust(root: string, trust: { bundle: string; extra: string }): void {
  mkdirSync(join(root, "etc/ssl/certs"), { recursive: true });
  writeFileSync(join(root, TRUST.bundle), trust.bundle);
  writeFileSync(join(root, TRUST.extra), trust.extra);
}

/** Makes sure that a place to mount at is there. */
export function makeMountPoint(root: string, target: string, isFolder: boolean): void {
  const path = join(root, target);
  if (existsSync(path)) return;
  if (isFolder) return void mkdirSync(path, { recursive: true });
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "");
}

/** The root of one tool: nothing but `/usr` and the places that are mounted. */
export function makeToolSkeleton(root: string): void {
  for (const folder of ["usr", "proc", "dev", "tmp", "etc"]) mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, "tmp"), 0o1777);
  linkUsr(root);
  writeUserFiles(root, "starling:x:993:990::/tmp:/sbin/nologin\n", "starling:x:990:\n");
  writeFileSync(join(root, "etc/nsswitch.conf"), "passwd: files\ngroup: files\nhosts: files\n");
  if (existsSync("/etc/ld.so.cache")) copyFileSync("/etc/ld.so.cache", join(root, "etc/ld.so.cache"));
}
