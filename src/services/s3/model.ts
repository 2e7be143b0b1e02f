import { createHash } from "node:crypto";
import type * as S3 from "@aws-sdk/client-s3";
import type { Turns } from "../../kernel/turns.ts";
import type { AccessLogs } from "./access-log.ts";
import type { KeyCheck } from "./customer-keys.ts";
import type { BucketLock, ObjectLock } from "./object-lock.ts";

/** What the service holds while the platform runs. */
export interface S3State {
  /** Changes of one key run one after the other. */
  readonly turns: Turns;
  readonly accessLogs: AccessLogs;
  /** The bucket of a call, by its context: what it may is decided by the same that it works on, which is read once. */
  readonly read: WeakMap<object, Bucket>;
}

/** Somebody's right to a bucket or an object. */
export interface Grant {
  /** A canonical user id, or the URI of a group. */
  readonly grantee: { readonly id: string } | { readonly uri: string };
  readonly permission: S3.Permission;
}

/** What is set of a bucket, one member for each Put operation. */
export interface BucketConfig {
  readonly versioning?: "Enabled" | "Suspended";
  readonly policy?: string;
  readonly grants?: readonly Grant[];
  /** Absent where the controls were removed: then objects are their writers', and ACLs count. */
  readonly ownership?: S3.ObjectOwnership;
  readonly publicAccessBlock?: Required<S3.PublicAccessBlockConfiguration>;
  readonly tags?: readonly S3.Tag[];
  readonly cors?: readonly S3.CORSRule[];
  readonly website?: S3.WebsiteConfiguration;
  readonly encryption?: S3.ServerSideEncryptionConfiguration;
  readonly notification?: S3.NotificationConfiguration;
  readonly lifecycle?: readonly S3.LifecycleRule[];
  /** Below which size lifecycle rules leave objects in their class. */
  readonly minimumSize?: S3.TransitionDefaultMinimumObjectSize;
  readonly objectLock?: BucketLock;
  readonly logging?: S3.LoggingEnabled;
  readonly acceleration?: S3.BucketAccelerateStatus;
  readonly payer?: S3.Payer;
  /** Made by the name that eu-west-1 had once. */
  readonly oldEurope?: true;
}

export interface Bucket {
  readonly name: string;
  readonly account: string;
  readonly region: string;
  readonly createdAt: number;
  readonly rev: number;
  readonly config: BucketConfig;
}

/** A stretch of an object's content: one blob of it, or a small content that the database holds. */
export interface Segment {
  readonly digest: string;
  readonly size: number;
  readonly inline?: true;
}

export interface Checksums {
  readonly type?: S3.ChecksumType;
  /** By the name of the member: `ChecksumCRC32`, base64. */
  readonly values: Readonly<Record<string, string>>;
}

/** What is stored of an object besides the columns that lists need. */
export interface ObjectFacts {
  readonly segments: readonly Segment[];
  readonly contentType?: string;
  /** Cache-Control, Content-Disposition and so on, by the names of the members. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly tags?: readonly S3.Tag[];
  readonly grants?: readonly Grant[];
  readonly owner: string;
  readonly storageClass?: string;
  /** Of an archived object: how long a copy of it can be read. */
  readonly restoredUntil?: number;
  readonly encryption?: {
    readonly algorithm: S3.ServerSideEncryption;
    readonly kmsKey?: string;
    readonly bucketKey?: boolean;
  };
  /** Set where the content is sealed with a key of the customer's. */
  readonly customerKey?: KeyCheck;
  readonly lock?: ObjectLock;
  readonly checksums?: Checksums;
  readonly website?: string;
  /** The multipart upload that made it. */
  readonly upload?: string;
  /** Of a multipart upload: sizes (and checksums) of its parts. */
  readonly parts?: readonly {
    readonly number: number;
    readonly size: number;
    readonly checksums: Readonly<Record<string, string>>;
  }[];
}

/** One version of an object, or a delete marker. */
export interface ObjectVersion {
  readonly bucket: string;
  readonly key: string;
  readonly seq: number;
  /** `null` where versioning was not on. */
  readonly version: string;
  readonly latest: boolean;
  readonly marker: boolean;
  readonly size: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedAt: number;
  readonly facts: ObjectFacts;
}

/** Values of a bucket's ownership controls. */
export const OWNERSHIPS: readonly string[] = ["BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced"];

export const NULL_VERSION = "null";

/** Length of what ends a version's id: a digest by which ids that we never made are told from those that are gone. */
const VERSION_DIGEST = 6;

/** The id of a new version, from what makes it the only one of its kind: 26 characters. */
export const versionIdOf = (bucket: string, unique: string): string => unique + versionDigest(bucket, unique);

function versionDigest(bucket: string, unique: string): string {
  const digest = createHash("sha256").update(`${bucket} ${unique}`).digest("base64");
  return digest.replaceAll(/[^A-Za-z0-9]/g, "").slice(0, VERSION_DIGEST);
}

/** Whether a version of this bucket has or had this id. */
export function isVersionId({ name }: Bucket, id: string): boolean {
  const unique = id.slice(0, -VERSION_DIGEST);
  return id === NULL_VERSION || OLD_VERSION_ID.test(id) || versionIdOf(name, unique) === id;
}

/** When a version with this id was made. */
export function madeAtOf(id: string): number | undefined {
  const [, time] = /^([0-9a-z]{8})\./.exec(id) ?? [];
  return time === undefined ? undefined : Number.parseInt(time, 36);
}

/** Ids of before they had a digest. */
const OLD_VERSION_ID = /^[0-9a-z]{8}\.[A-Za-z0-9]{22}$/;

/** The canonical user id of an account. */
export function canonicalId(account: string): string {
  return createHash("sha256").update(`starling canonical user ${account}`).digest("hex");
}

export const bucketArn = (bucket: string): string => `arn:aws:s3:::${bucket}`;
export const objectArn = (bucket: string, key: string): string => `arn:aws:s3:::${bucket}/${key}`;
export const quoted = (etag: string): string => `"${etag}"`;

/** S3 tells times in whole seconds. */
export const inSeconds = (ms: number): Date => new Date(Math.floor(ms / 1000) * 1000);

const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const FORBIDDEN = [
  /\.\./,
  /\.-|-\./,
  /^\d{1,3}(\.\d{1,3}){3}$/,
  /^xn--/,
  /^sthree-/,
  /^amzn-s3-demo-/,
  /-s3alias$/,
  /--ol-s3$/,
  /--x-s3$/,
  /\.mrap$/,
];

/** Whether a new bucket may have this name. */
export function isBucketName(name: string): boolean {
  return BUCKET_NAME.test(name) && !FORBIDDEN.some((pattern) => pattern.test(name));
}

/** New buckets are as AWS makes them since April 2023: no ACLs, nothing public. */
export function newBucketConfig(ownership: S3.ObjectOwnership = "BucketOwnerEnforced"): BucketConfig {
  const all = { BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true };
  return { ownership, publicAccessBlock: all };
}
