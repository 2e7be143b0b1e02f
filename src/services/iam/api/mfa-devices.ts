import type * as Iam from "@aws-sdk/client-iam";
import type { Context } from "../../../aws/context.ts";
import { operations, type Permission } from "../../../aws/service.ts";
import { arn } from "../../../kernel/arn.ts";
import { AwsError } from "../../../kernel/aws-error.ts";
import { alreadyExists, deleteConflict, limitExceeded, noSuchEntity, validation } from "../errors.ts";
import { MFA_DEVICES_PER_USER } from "../limits.ts";
import { MFA_DEVICE, SEED_PURPOSE, takeCodes, type CodeCheck, type MfaDevice } from "../mfa.ts";
import { tagList, type User } from "../model.ts";
import {
  callerOr,
  callersName,
  entity,
  on,
  onAll,
  page,
  required,
  tagPage,
  tagsWith,
  tagsWithout,
  userOf,
} from "../store.ts";
import { qrCodePng } from "../qr-code.ts";
import { base32 } from "../totp.ts";
import { userView } from "./entities.ts";

const SEED_BYTES = 40;
const LABEL_LENGTH = 24;

const serialOf = (ctx: Context<any>, path: string, name: string): string =>
  arn("iam", "", ctx.account, `mfa${path}${name}`);

const onDevice =
  (action: string) =>
  (input: { SerialNumber?: string | undefined }): Permission[] => [
    { action: `iam:${action}`, resource: String(input.SerialNumber) },
  ];

const missing = (serial: string | undefined): AwsError =>
  noSuchEntity(`VirtualMFADevice with serial number ${serial} doesn't exist.`);

async function deviceOf(ctx: Context<any>, serial: string | undefined): Promise<MfaDevice> {
  const stored = await ctx.globalRecords.get<MfaDevice>(MFA_DEVICE, required(serial, "serialNumber"));
  if (!stored) throw missing(serial);
  return stored.value;
}

async function change(
  ctx: Context<any>,
  serial: string | undefined,
  how: (device: MfaDevice) => MfaDevice,
): Promise<MfaDevice> {
  const device = await ctx.globalRecords.update<MfaDevice>(MFA_DEVICE, String(serial), how);
  if (!device) throw missing(serial);
  return device;
}

async function devices(ctx: Context<any>): Promise<MfaDevice[]> {
  return (await ctx.globalRecords.list<MfaDevice>(MFA_DEVICE)).map((stored) => stored.value);
}

/** The devices that a user has enabled. */
export async function devicesOf(ctx: Context<any>, user: User): Promise<MfaDevice[]> {
  return (await devices(ctx)).filter((device) => device.owner === user.id);
}

async function ownDevice(
  ctx: Context<any>,
  input: { UserName?: string | undefined; SerialNumber?: string | undefined },
): Promise<{ user: User; device: MfaDevice }> {
  const user = await userOf(ctx, input.UserName);
  const device = await deviceOf(ctx, input.SerialNumber);
  if (device.owner !== user.id) throw missing(input.SerialNumber);
  return { user, device };
}

const checkOf = (ctx: Context<any>): CodeCheck => ({
  records: ctx.globalRecords,
  vault: ctx.platform.vault,
  now: ctx.now(),
});

const wrongCode = (): AwsError =>
  new AwsError("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403);

/** What an app reads from the picture: https://github.com/google/google-authenticator/wiki/Key-Uri-Format */
function appAddress(ctx: Context<any>, name: string, seed: string): string {
  const issuer = encodeURIComponent("Amazon Web Services");
  const label = encodeURIComponent(`${name.slice(0, LABEL_LENGTH)}@${ctx.account}`);
  return `otpauth://totp/${issuer}:${label}?secret=${seed}&issuer=${issuer}`;
}

/** Virtual devices: an app that knows the same seed and tells codes of 30 seconds. */
export const mfaDevices = operations<typeof Iam, any>()({
  CreateVirtualMFADevice: {
    permissions: (input, ctx) => [
      {
        action: "iam:CreateVirtualMFADevice",
        resource: serialOf(ctx, input.Path ?? "/", String(input.VirtualMFADeviceName)),
      },
    ],
    async run(ctx, input) {
      const [path, name] = [input.Path ?? "/", String(input.VirtualMFADeviceName)];
      const serial = serialOf(ctx, path, name);
      const seed = Buffer.from(ctx.platform.ids.bytes(SEED_BYTES));
      const device: MfaDevice = {
        serial,
        path,
        name,
        created: ctx.now(),
        sealedSeed: ctx.platform.vault.seal(SEED_PURPOSE, seed.toString("base64")),
        ...tagsWith(undefined, input.Tags),
      };
      if (!(await ctx.globalRecords.create(MFA_DEVICE, serial, device)))
        throw alreadyExists("MFADevice entity at the same path and name already exists.");
      const text = base32(seed);
      return {
        VirtualMFADevice: {
          SerialNumber: serial,
          Base32StringSeed: Buffer.from(text),
          QRCodePNG: qrCodePng(appAddress(ctx, name, text)),
          ...(device.tags ? { Tags: tagList(device.tags) } : {}),
        },
      };
    },
  },
  DeleteVirtualMFADevice: {
    permissions: onDevice("DeleteVirtualMFADevice"),
    async run(ctx, input) {
      const device = await deviceOf(ctx, input.SerialNumber);
      if (device.owner) throw deleteConflict("MFA VirtualDevice in use. Must deactivate first.");
      await ctx.globalRecords.write(ctx.globalRecords.remove(MFA_DEVICE, device.serial));
      return {};
    },
  },
  ListVirtualMFADevices: {
    permissions: onAll("ListVirtualMFADevices"),
    async run(ctx, input) {
      const status = input.AssignmentStatus ?? "Any";
      const listed = (await devices(ctx)).filter(
        ({ owner }) => status === "Any" || (status === "Assigned") === (owner !== undefined),
      );
      const { items, ...rest } = page(listed, input);
      const users = (await ctx.globalRecords.list<User>("user")).map((stored) => stored.value);
      return {
        VirtualMFADevices: items.map((device) => {
          const user = users.find(({ id }) => id === device.owner);
          return {
            SerialNumber: device.serial,
            ...(user ? { User: userView(ctx, user) } : {}),
            ...(device.enabled ? { EnableDate: new Date(device.enabled) } : {}),
          };
        }),
        ...rest,
      };
    },
  },
  EnableMFADevice: {
    permissions: on("user", "EnableMFADevice", (i) => i.UserName),
    async run(ctx, input) {
      const user = await entity<User>(ctx, "user", input.UserName);
      const device = await deviceOf(ctx, input.SerialNumber);
      if (device.owner) throw alreadyExists("MFA Device already in use.");
      if ((await devicesOf(ctx, user)).length >= MFA_DEVICES_PER_USER)
        throw limitExceeded(`Cannot exceed quota for MFADevicesPerUser: ${MFA_DEVICES_PER_USER}`);
      const codes = [String(input.AuthenticationCode1), String(input.AuthenticationCode2)];
      if (!(await takeCodes(checkOf(ctx), device, codes))) throw wrongCode();
      await change(ctx, device.serial, (known) => {
        if (known.owner) throw alreadyExists("MFA Device already in use.");
        return { ...known, owner: user.id, enabled: ctx.now() };
      });
      return {};
    },
  },
  ResyncMFADevice: {
    permissions: on("user", "ResyncMFADevice", (i) => i.UserName),
    async run(ctx, input) {
      const { device } = await ownDevice(ctx, input);
      const codes = [String(input.AuthenticationCode1), String(input.AuthenticationCode2)];
      if (!(await takeCodes(checkOf(ctx), device, codes, true))) throw wrongCode();
      return {};
    },
  },
  DeactivateMFADevice: {
    permissions: on("user", "DeactivateMFADevice", callerOr),
    async run(ctx, input) {
      const { device } = await ownDevice(ctx, input);
      await change(ctx, device.serial, ({ owner: _owner, enabled: _enabled, ...rest }) => rest);
      return {};
    },
  },
  ListMFADevices: {
    permissions: on("user", "ListMFADevices", callerOr),
    async run(ctx, input) {
      const name = input.UserName ?? callersName(ctx);
      // The account's root has none here: its devices are enabled in AWS's console alone.
      if (!name) return { MFADevices: [], IsTruncated: false };
      const user = await entity<User>(ctx, "user", name);
      const { items, ...rest } = page(await devicesOf(ctx, user), input);
      return {
        MFADevices: items.map((device) => ({
          UserName: user.name,
          SerialNumber: device.serial,
          EnableDate: new Date(device.enabled ?? device.created),
        })),
        ...rest,
      };
    },
  },
  GetMFADevice: {
    permissions: on("user", "GetMFADevice", callerOr),
    async run(ctx, input) {
      const device = await deviceOf(ctx, input.SerialNumber);
      const users = await ctx.globalRecords.list<User>("user");
      const user = users.find(({ value }) => value.id === device.owner)?.value;
      const name = callerOr(input, ctx);
      if (name !== undefined && user?.name !== name) throw missing(input.SerialNumber);
      return {
        SerialNumber: device.serial,
        ...(user ? { UserName: user.name } : {}),
        ...(device.enabled ? { EnableDate: new Date(device.enabled) } : {}),
      };
    },
  },
  TagMFADevice: {
    permissions: onDevice("TagMFADevice"),
    async run(ctx, input) {
      if (!input.Tags?.length) throw validation("Tags must be given.");
      await change(ctx, input.SerialNumber, (device) => ({ ...device, ...tagsWith(device.tags, input.Tags) }));
      return {};
    },
  },
  UntagMFADevice: {
    permissions: onDevice("UntagMFADevice"),
    async run(ctx, input) {
      await change(ctx, input.SerialNumber, (device) => ({ ...device, tags: tagsWithout(device.tags, input.TagKeys) }));
      return {};
    },
  },
  ListMFADeviceTags: {
    permissions: onDevice("ListMFADeviceTags"),
    run: async (ctx, input) => tagPage((await deviceOf(ctx, input.SerialNumber)).tags, input),
  },
});
