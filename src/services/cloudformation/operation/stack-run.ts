import type { Context } from "../../../aws/context.ts";
import type { JsonValue } from "../../../engines/yaml/index.ts";
import type { Statement } from "../../../ports/database.ts";
import { unusedChildren } from "../change-sets/forget.ts";
import { PARALLEL_RESOURCES } from "../limits.ts";
import { putEvents, stackEvent, type NewEvent } from "../events.ts";
import type { Operation, Phase, Stack, StackResource, Step, StepAction } from "../model.ts";
import { masker } from "../masker.ts";
import { putResource, removeResource, seal, unseal } from "../store.ts";
import { runGraph, type GraphResult } from "./graph.ts";
import { inheritedTags } from "./stack-tags.ts";
import { stepContext, type StepContext } from "./step-context.ts";
import type { Turn } from "./turns.ts";

/** Changes that belong together: written in one transaction. */
export interface Save {
  readonly resource?: StackResource;
  readonly gone?: string;
  readonly stack?: Partial<Stack>;
  readonly operation?: Partial<Operation>;
  readonly events?: readonly NewEvent[];
  readonly also?: readonly Statement[];
}

/** An operation at work: what is stored of it, and the ways to go on. Everything in here is written before it counts. */
export class StackRun {
  /** As the stack's role, or as who asked for the operation. */
  readonly ctx: Context<any>;
  readonly turn: Turn;
  readonly resources: Map<string, StackResource>;
  stack: Stack;
  operation: Operation;
  /** Aborts as soon as a resource has failed: what only waits, waits no longer. */
  halt = new AbortController();
  /** What was last seen of the rollback triggers. */
  readonly watch: { next: number; reason: string | undefined } = { next: 0, reason: undefined };
  #lastEvent: number;
  #mask: ((text: string) => string) | undefined;

  constructor(
    ctx: Context<any>,
    turn: Turn,
    stack: Stack,
    operation: Operation,
    resources: readonly StackResource[],
    lastEvent: number,
  ) {
    this.ctx = ctx;
    this.turn = turn;
    this.stack = stack;
    this.operation = operation;
    this.resources = new Map(resources.map((r) => [r.logicalId, r]));
    this.#lastEvent = lastEvent;
  }

  async save({ resource, gone, stack, operation, events = [], also = [] }: Save): Promise<void> {
    const { ctx } = this;
    const { records } = ctx;
    const made = putEvents(ctx, this.stack.uuid, events, this.#lastEvent);
    this.#lastEvent = made.last;
    const batch: Statement[] = [...made.statements, ...also];
    if (resource) batch.push(putResource(ctx, this.stack.uuid, resource));
    if (gone !== undefined) batch.push(removeResource(ctx, this.stack.uuid, gone));
    const next = operation ? { ...this.operation, ...operation } : this.operation;
    if (operation) batch.push(records.put("operation", next.id, next));
    // Other calls change a stack too (its policy, its protection), so this is a change of what is stored now.
    if (stack) {
      const changed = await records.update<Stack>(
        "stack",
        this.stack.uuid,
        (value) => ({ ...value, ...stack }),
        ...batch,
      );
      if (!changed) throw new Error(`stack ${this.stack.uuid} is gone`);
      this.stack = changed;
    } else await records.write(batch);
    this.operation = next;
    if (resource) this.resources.set(resource.logicalId, resource);
    if (gone !== undefined) this.resources.delete(gone);
  }

  /** Goes to another phase with the stack's status. */
  async enter(phase: Phase, status: Stack["status"], reason?: string, more: Omit<Save, "events"> = {}): Promise<void> {
    const unused = phase === "done" ? await unusedChildren(this.ctx, this.operation.children) : [];
    await this.save({
      ...more,
      also: [...(more.also ?? []), ...unused],
      stack: { ...more.stack, status, reason },
      operation: { ...more.operation, phase },
      events: [stackEvent(this.stack, status, reason, this.operation.token)],
    });
    this.halt = new AbortController();
    if (phase === "done") this.ctx.platform.bus.publish(`cloudformation:${this.stack.uuid}`, status);
  }

  /** The step under way for this resource and action: the recorded one after a crash, else a new one. */
  step(resource: StackResource | undefined, action: StepAction, properties: string): { step: Step; retried: boolean } {
    const recorded = resource?.step;
    if (
      recorded?.operation === this.operation.id &&
      recorded.action === action &&
      !resource?.status.endsWith("_FAILED")
    ) {
      return { step: recorded, retried: true };
    }
    return {
      step: { operation: this.operation.id, action, token: this.ctx.platform.ids.uuid(), properties },
      retried: false,
    };
  }

  contextOf(logicalId: string, token: string, retried: boolean, creationPolicy?: JsonValue): StepContext {
    const tags = this.stack.revision?.tags ?? [];
    const typeName = this.resources.get(logicalId)?.type;
    return stepContext(this.ctx, {
      stackId: this.stack.arn,
      stackName: this.stack.name,
      logicalId,
      token,
      retried,
      typeName,
      stackTags: Object.fromEntries(tags.map((t) => [t.Key, t.Value])),
      inheritedTags: inheritedTags(this.stack, { logicalId, type: typeName }, tags),
      turn: this.turn,
      cancelled: () => this.cancelled(),
      creationPolicy,
    });
  }

  /** Works on resources in the order of a graph; they share the stack's turn. */
  inOrder(
    needs: ReadonlyMap<string, readonly string[]>,
    work: (id: string) => Promise<boolean>,
    goOn = false,
  ): Promise<GraphResult> {
    const { turn } = this;
    const options = { limit: PARALLEL_RESOURCES, goOn };
    return turn.without(() => runGraph(needs, (id) => turn.during(() => work(id)), options));
  }

  seal(value: unknown): string {
    return seal(this.ctx, value);
  }

  event(
    resource: Pick<StackResource, "logicalId" | "type" | "physicalId" | "step" | "state">,
    status: string,
    reason?: string,
  ): NewEvent {
    const { logicalId, type, physicalId = "" } = resource;
    const sealed = resource.step?.properties ?? resource.state?.properties;
    // What a clean-up removes is no longer of the template.
    const properties = sealed && !this.operation.phase.endsWith("clean-up") ? this.#shown(sealed) : undefined;
    return {
      logicalId,
      physicalId,
      type,
      status,
      ...(properties ? { properties } : {}),
      ...(reason ? { reason } : {}),
      ...(this.operation.token ? { token: this.operation.token } : {}),
    };
  }

  /** A resource's sealed properties as events show them: without values that are not to be shown. */
  #shown(sealed: string): string {
    const revisions = [this.stack.revision, this.operation.former];
    if (!revisions.some((revision) => revision && revision.noEcho.length > 0)) return sealed;
    this.#mask ??= masker(this.ctx, revisions);
    return this.seal(this.#mask(JSON.stringify(unseal(this.ctx, sealed))));
  }

  /** Whether somebody asked for this operation to stop, and how. */
  async cancelled(): Promise<"rollback" | "delete" | undefined> {
    if (this.operation.phase !== "apply" && this.operation.phase !== "watch") return undefined; // it is on its way back already
    const found = await this.ctx.records.get<{ how: "rollback" | "delete" }>("cancel", this.operation.id);
    return found?.value.how;
  }

  get late(): boolean {
    return this.operation.deadline !== undefined && this.ctx.now() > this.operation.deadline;
  }
}
