import type { Records } from "../../aws/records.ts";
import type { Vault } from "../../aws/vault.ts";
import { findStep, stepAt } from "./totp.ts";

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
  /** How many steps the app's clock is ahead, as two codes in turn have shown it. */
  readonly drift?: number;
  /** Wrong codes of late: six digits would be guessed by who may try for ever. */
  readonly wrong?: { readonly count: number; readonly since: number };
  readonly tags?: Readonly<Record<string, string>>;
}

export const MFA_DEVICE = "mfa-device";
export const SEED_PURPOSE = "mfa-seed";
/** How far the app's clock may be off, in steps of 30 seconds. */
const REACH = 1;
/** A device that has drifted is found again by two codes within hours. */
const RESYNC_REACH = 1_000;
/** So many wrong codes are looked at in so much time; until it is over no other is. */
const MAX_WRONG = 5;
const WRONG_MS = 5 * 60_000;

export interface CodeCheck {
  readonly records: Records;
  readonly vault: Vault;
  readonly now: number;
}

/**
 * Takes consecutive codes of a device, and writes down the last so that it does not count again. With `resync` they may
 * be hours off, and the device's clock is taken to be as they tell it.
 */
export async function takeCodes(
  { records, vault, now }: CodeCheck,
  device: MfaDevice,
  codes: readonly string[],
  resync = false,
): Promise<boolean> {
  const seed = vault.open(SEED_PURPOSE, device.sealedSeed);
  if (seed === undefined) return false;
  const bytes = Buffer.from(seed, "base64");
  let isRight = false;
  await records.update<MfaDevice>(MFA_DEVICE, device.serial, (known) => {
    isRight = false;
    const { wrong, ...rest } = known;
    const late = wrong && now - wrong.since < WRONG_MS ? wrong : { count: 0, since: now };
    if (late.count >= MAX_WRONG) return undefined;
    const [middle, reach] = resync ? [stepAt(now), RESYNC_REACH] : [stepAt(now) + (known.drift ?? 0), REACH];
    const step = findStep(bytes, codes, { middle, reach, after: known.lastStep ?? -1 });
    if (step === undefined) return { ...known, wrong: { ...late, count: late.count + 1 } };
    isRight = true;
    const lastStep = step + codes.length - 1;
    return { ...rest, lastStep, ...(resync ? { drift: lastStep - middle } : {}) };
  });
  return isRight;
}
