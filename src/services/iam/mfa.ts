import type { Records } from "../../aws/records.ts";
import type { Vault } from "../../aws/vault.ts";
import { findStep } from "./totp.ts";

/** A virtual device: the seed that it shares with an app, and whose it is. */
export interface MfaDevice {
  /** Its ARN. */
  readonly serial: string;
  readonly path: string;
  readonly name: string;
  readonly created: number;
  /** Sealed by the vault for the purpose `mfa-seed`, base64. */
  readonly sealedSeed: string;
  /** Unique id of its user; without it the device belongs to nobody yet. */
  readonly owner?: string;
  readonly enabled?: number;
  /** The step of the last code that was taken: no code counts twice. */
  readonly lastStep?: number;
  readonly tags?: Readonly<Record<string, string>>;
}

export const MFA_DEVICE = "mfa-device";
export const SEED_PURPOSE = "mfa-seed";
/** How far the app's clock may be off, in steps of 30 seconds. */
const REACH = 1;

export interface CodeCheck {
  readonly records: Records;
  readonly vault: Vault;
  readonly now: number;
}

/** Takes consecutive codes of a device, and writes down the last so that it does not count again. */
export async function takeCodes(
  { records, vault, now }: CodeCheck,
  device: MfaDevice,
  codes: readonly string[],
  reach = REACH,
): Promise<boolean> {
  const seed = vault.open(SEED_PURPOSE, device.sealedSeed);
  if (seed === undefined) return false;
  const bytes = Buffer.from(seed, "base64");
  const step = findStep(bytes, codes, { now, reach, after: device.lastStep ?? -1 });
  if (step === undefined) return false;
  const lastStep = step + codes.length - 1;
  let isFirst = false;
  await records.update<MfaDevice>(MFA_DEVICE, device.serial, (known) => {
    isFirst = (known.lastStep ?? -1) < step;
    return isFirst ? { ...known, lastStep } : undefined;
  });
  return isFirst;
}
