import { availableParallelism, totalmem } from "node:os";

const GB = 1024;

/** https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html */
const COMPUTE_TYPES: Readonly<Record<string, { memoryMB: number; cpus: number; diskGB: number }>> = {
  BUILD_GENERAL1_SMALL: { memoryMB: 3 * GB, cpus: 2, diskGB: 64 },
  BUILD_GENERAL1_MEDIUM: { memoryMB: 7 * GB, cpus: 4, diskGB: 128 },
  BUILD_GENERAL1_LARGE: { memoryMB: 15 * GB, cpus: 8, diskGB: 128 },
  BUILD_GENERAL1_XLARGE: { memoryMB: 70 * GB, cpus: 36, diskGB: 256 },
  BUILD_GENERAL1_2XLARGE: { memoryMB: 145 * GB, cpus: 72, diskGB: 824 },
};

const PIDS = 4096;
/** What a build may write; the file behind it is sparse. */
const MAX_DISK_MB = 16 * GB;

const memoryMB = Math.floor(totalmem() / 1024 ** 2);

/** Builds at once: as many small ones as this machine's processors and three quarters of its memory can hold. */
export const CONCURRENT_BUILDS = Math.max(
  1,
  Math.min(availableParallelism(), Math.floor((memoryMB * 0.75) / (2 * GB)), 32),
);

export interface ComputeLimits {
  readonly memoryMB: number;
  readonly cpus: number;
  readonly diskMB: number;
  readonly pids: number;
  /** What of the compute type this machine cannot give, in words. */
  readonly warning?: string;
}

/** The limits of a compute type, as far as this machine goes; `undefined` for one that is not known. */
export function limitsOf(computeType: string): ComputeLimits | undefined {
  const type = Object.hasOwn(COMPUTE_TYPES, computeType) ? COMPUTE_TYPES[computeType] : undefined;
  if (!type) return undefined;
  const limits = {
    memoryMB: Math.min(type.memoryMB, Math.floor(memoryMB * 0.75)),
    cpus: Math.min(type.cpus, availableParallelism()),
    diskMB: Math.min(type.diskGB * GB, MAX_DISK_MB),
    pids: PIDS,
  };
  if (limits.memoryMB === type.memoryMB && limits.cpus === type.cpus) return limits;
  return {
    ...limits,
    warning: `${computeType} has ${type.memoryMB} MB and ${type.cpus} vCPUs; this machine gives ${limits.memoryMB} MB and ${limits.cpus}`,
  };
}
