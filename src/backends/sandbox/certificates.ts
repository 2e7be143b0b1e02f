import { randomBytes, webcrypto } from "node:crypto";
import { existsSync, mkdirSync, openSync, readFileSync, closeSync, fsyncSync, renameSync, writeSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import { AWS_ZONES, isAwsName } from "../../kernel/aws-zones.ts";

/** This installation's certificate authority: constrained to AWS's names, its key in the data folder only. */
export interface CertificateAuthority {
  /** Its certificate as PEM. */
  readonly certificate: string;
  /** A server context with a certificate for exactly this name; refuses names that are not AWS's. */
  contextFor(name: string): Promise<SecureContext>;
}

const KEY = { name: "ECDSA", namedCurve: "P-256" };
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" };
const DAY = 86_400_000;
const CA_DAYS = 3650;
const LEAF_DAYS = 30;
const MAX_CONTEXTS = 1000;

type X509 = typeof import("@peculiar/x509");

/** Loaded when a certificate is to be made: it is slow, and most starts need none at once. */
async function loadX509(): Promise<X509> {
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(webcrypto as never);
  return x509;
}

/** Opens the authority of a data folder, and makes it on the first start. */
export async function openCertificateAuthority(folder: string, now: () => number): Promise<CertificateAuthority> {
  const files = { key: join(folder, "key.pem"), certificate: join(folder, "certificate.pem") };
  if (!existsSync(files.certificate) || !existsSync(files.key)) await makeAuthority(folder, files, now());
  const certificate = readFileSync(files.certificate, "utf8");
  const leaves = new Map<string, { context: Promise<SecureContext>; until: number }>();
  let issue: Promise<(name: string) => Promise<SecureContext>> | undefined;
  return {
    certificate,
    contextFor(given) {
      const name = given.toLowerCase();
      if (!isAwsName(name) || name.length > 253)
        return Promise.reject(new Error(`no certificate for ${name}: it is not a name of AWS`));
      const known = leaves.get(name);
      if (known && known.until > now()) return known.context;
      if (leaves.size >= MAX_CONTEXTS) leaves.clear();
      issue ??= prepareIssuer(certificate, readFileSync(files.key, "utf8"), now);
      const context = issue.then((make) => make(name));
      leaves.set(name, { context, until: now() + (LEAF_DAYS / 2) * DAY });
      context.catch(() => leaves.delete(name));
      return context;
    },
  };
}

/** Both files appear by rename, the certificate last: a start that was cut off makes them anew. */
async function makeAuthority(folder: string, files: { key: string; certificate: string }, now: number): Promise<void> {
  const x509 = await loadX509();
  const keys = await webcrypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: "CN=Starling (authority of this installation)",
    notBefore: new Date(now - DAY),
    notAfter: new Date(now + CA_DAYS * DAY),
    keys: keys as never,
    signingAlgorithm: SIGNATURE,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      new x509.Extension("2.5.29.30", true, nameConstraints()),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as never),
    ],
  });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeDurably(files.key, await privateKeyPem(x509, keys.privateKey), 0o600);
  writeDurably(files.certificate, certificate.toString("pem"), 0o644);
}

function writeDurably(file: string, text: string, mode: number): void {
  const fd = openSync(`${file}.new`, "w", mode);
  writeSync(fd, text);
  fsyncSync(fd);
  closeSync(fd);
  renameSync(`${file}.new`, file);
}

const serialNumber = (): string => `01${randomBytes(15).toString("hex")}`;

async function privateKeyPem(x509: X509, key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

/** DER by hand (the library has no class for it): only our zones are permitted, and every IP address is excluded. */
function nameConstraints(): Buffer {
  const der = (tag: number, ...parts: Buffer[]): Buffer => {
    const body = Buffer.concat(parts);
    if (body.length > 255) throw new Error("name constraints too long");
    return Buffer.concat([Buffer.from(body.length < 128 ? [tag, body.length] : [tag, 0x81, body.length]), body]);
  };
  const permitted = AWS_ZONES.map((zone) => der(0x30, der(0x82, Buffer.from(zone))));
  const excluded = [der(0x30, der(0x87, Buffer.alloc(8))), der(0x30, der(0x87, Buffer.alloc(32)))];
  return der(0x30, der(0xa0, ...permitted), der(0xa1, ...excluded));
}

/** All leaves share one key that lives in memory only. */
async function prepareIssuer(
  caPem: string,
  keyPem: string,
  now: () => number,
): Promise<(name: string) => Promise<SecureContext>> {
  const x509 = await loadX509();
  const ca = new x509.X509Certificate(caPem);
  const signingKey = await webcrypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(keyPem), KEY, false, [
    "sign",
  ]);
  const leafKeys = await webcrypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
  const key = await privateKeyPem(x509, leafKeys.privateKey);
  const authority = await x509.AuthorityKeyIdentifierExtension.create(ca);
  return async (name) => {
    const leaf = await x509.X509CertificateGenerator.create({
      serialNumber: serialNumber(),
      subject: "CN=Starling",
      issuer: ca.subject,
      notBefore: new Date(now() - DAY),
      notAfter: new Date(now() + LEAF_DAYS * DAY),
      publicKey: leafKeys.publicKey as never,
      signingKey: signingKey as never,
      signingAlgorithm: SIGNATURE,
      extensions: [
        new x509.SubjectAlternativeNameExtension([{ type: "dns", value: name }], true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        authority,
      ],
    });
    return createSecureContext({ key, cert: leaf.toString("pem") });
  };
}
