import { AwsError, codeOf, messageOf } from "../kernel/aws-error.ts";
import { isOutOfRoom } from "../ports/database.ts";
import type { Message } from "../ports/queue.ts";
import { createContext, OUTBOX, principalOfService, type Context } from "./context.ts";
import type { Platform } from "./platform.ts";
import { servicePrincipal, type Principal } from "./principal.ts";
import type { Registry } from "./registry.ts";
import { TryLater, type Periodic, type QueueWorker, type ServiceCaller } from "./service.ts";

const DEFAULT_ATTEMPTS = 10;
const OUTBOX_ATTEMPTS = 60;
const RECEIVE_WAIT_MS = 20_000;
/** Messages that are fetched at a time, and how much of them a topic holds in memory: a payload may have a megabyte. */
const MAX_CLAIM = 64;
const MAX_ACTIVE_BYTES = 128 * 1024 * 1024;
/** Between tries of what a full disk refused. */
const ROOM_PAUSE_MS = 1_000;

/** Wraps what a topic's message holds, as `ctx.enqueue` writes it. */
interface Envelope {
  readonly account: string;
  readonly region: string;
  readonly body: unknown;
  readonly traceId?: string;
}

interface OutboxCall {
  readonly service: string;
  readonly operation: string;
  readonly input: object;
  readonly principal: Principal;
}

/** Starts every service, then its workers; `stop` waits for what is under way after the platform's signal has aborted. */
export async function startServices(platform: Platform, registry: Registry): Promise<{ stop(): Promise<void> }> {
  const caller = (service: string): ServiceCaller => ({
    context: (account, region) => serviceContext(platform, registry, { service, account, region }),
  });
  for (const service of registry.services)
    registry.setState(service.name, await service.start(platform, caller(service.name)));
  const running: Promise<void>[] = [runTopic(platform, registry, "platform", outboxWorker)];
  for (const service of registry.services) {
    for (const worker of service.workers) running.push(runTopic(platform, registry, service.name, worker));
    for (const periodic of service.periodic) running.push(runPeriodic(platform, registry, service.name, periodic));
  }
  return {
    async stop() {
      await Promise.allSettled(running);
      for (const service of [...registry.services].reverse()) await service.stop(registry.state(service.name));
    },
  };
}

function serviceContext(
  platform: Platform,
  registry: Registry,
  where: { service: string; account: string; region: string; traceId?: string | undefined },
): Context<any> {
  const principal = servicePrincipal(principalOfService(where.service), where.account);
  return createContext(platform, registry, { ...where, principal });
}

/** Delivers the calls of `ctx.later`. An error that another try cannot mend ends it. */
const outboxWorker: QueueWorker<any> = {
  topic: OUTBOX,
  concurrency: 16,
  leaseMs: 30_000,
  maxAttempts: OUTBOX_ATTEMPTS,
  async run(ctx, body) {
    const { service, operation, input, principal } = body as OutboxCall;
    await (ctx.as(principal).call as (s: string, o: string, i: object) => Promise<unknown>)(service, operation, input);
  },
};

async function runTopic(
  platform: Platform,
  registry: Registry,
  service: string,
  worker: QueueWorker<any>,
): Promise<void> {
  const { queue, signal, log } = platform;
  const active = new Set<Promise<void>>();
  let activeBytes = 0;
  let ended: (() => void) | undefined;
  while (!signal.aborted) {
    try {
      if (active.size >= worker.concurrency || activeBytes >= MAX_ACTIVE_BYTES) {
        // Not by a race of all that are under way: each race would stay with every one that lasts.
        await new Promise<void>((resolve) => (ended = resolve));
        continue;
      }
      const max = Math.min(MAX_CLAIM, worker.concurrency - active.size);
      const messages = await queue.receive(worker.topic, {
        max,
        leaseMs: worker.leaseMs,
        waitMs: RECEIVE_WAIT_MS,
        signal,
      });
      for (const message of messages) {
        const bytes = message.body.length;
        activeBytes += bytes;
        const work = handle(platform, registry, service, worker, message).finally(() => {
          active.delete(work);
          activeBytes -= bytes;
          ended?.();
        });
        active.add(work);
      }
    } catch (error) {
      if (signal.aborted) break;
      log.error("a topic could not be read", { topic: worker.topic, error });
      await platform.clock.sleep(1000, signal).catch(() => undefined);
    }
  }
  await Promise.allSettled(active);
}

async function handle(
  platform: Platform,
  registry: Registry,
  service: string,
  worker: QueueWorker<any>,
  message: Message,
): Promise<void> {
  const { queue, log } = platform;
  const beat = setInterval(() => void queue.extend(message, worker.leaseMs).catch(() => undefined), worker.leaseMs / 3);
  try {
    const { account, region, body, traceId } = JSON.parse(message.body) as Envelope;
    await worker.run(serviceContext(platform, registry, { service, account, region, traceId }), body, message.attempt);
    await queue.complete(message);
  } catch (error) {
    if (platform.signal.aborted) return void (await queue.release(message, 0).catch(() => undefined));
    await giveBackWithRoom(platform, worker, message, error).catch((second: unknown) => {
      log.error("a message could not be given back", { topic: worker.topic, error: second });
    });
  } finally {
    clearInterval(beat);
  }
}

/** On a full disk nothing can be given back; without a second try nobody would take the message before its lease ends. */
async function giveBackWithRoom(
  platform: Platform,
  worker: QueueWorker<any>,
  message: Message,
  error: unknown,
): Promise<void> {
  const end = platform.clock.now() + worker.leaseMs;
  if (isOutOfRoom(error))
    platform.log.warn("a worker waits for room", { topic: worker.topic, error: messageOf(error) });
  for (;;) {
    try {
      return await giveBack(platform, worker, message, error);
    } catch (second) {
      if (!isOutOfRoom(second) || platform.clock.now() > end) throw second;
      await platform.clock.sleep(ROOM_PAUSE_MS, platform.signal);
    }
  }
}

async function giveBack(platform: Platform, worker: QueueWorker<any>, message: Message, error: unknown): Promise<void> {
  const { queue, log } = platform;
  // A full disk is no fault of the message: it is tried until there is room.
  if (isOutOfRoom(error)) return void (await queue.release(message, ROOM_PAUSE_MS * 5));
  const final = worker === outboxWorker && error instanceof AwsError && error.status < 500 && !isTransient(error.code);
  if (final || message.attempt >= (worker.maxAttempts ?? DEFAULT_ATTEMPTS)) {
    log.error("a message was given up", {
      topic: worker.topic,
      attempt: message.attempt,
      code: codeOf(error),
      error: messageOf(error),
    });
    await queue.bury(message, messageOf(error));
    return;
  }
  if (error instanceof TryLater) return void (await queue.release(message, error.delayMs));
  if (!(error instanceof AwsError)) log.warn("a worker failed and will try again", { topic: worker.topic, error });
  const backoff = worker.backoffMs ?? ((attempt: number) => Math.min(60_000, 200 * 2 ** (attempt - 1)));
  await queue.release(message, backoff(message.attempt));
}

const isTransient = (code: string): boolean =>
  /Throttl|TooManyRequests|Conflict|InProgress|NotReady|Unavailable/i.test(code);

async function runPeriodic(
  platform: Platform,
  registry: Registry,
  service: string,
  periodic: Periodic<any>,
): Promise<void> {
  const { settings, signal, clock, log } = platform;
  const ctx = serviceContext(platform, registry, { service, account: settings.account, region: settings.region });
  while (!signal.aborted) {
    try {
      await clock.sleep(periodic.everyMs, signal);
      await periodic.run(ctx);
    } catch (error) {
      if (!signal.aborted) log.error("a periodic task failed", { service, task: periodic.name, error });
    }
  }
}
