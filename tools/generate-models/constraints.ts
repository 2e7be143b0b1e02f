import type {
  Constraint,
  ModelPack,
  PackOperation,
  PackReference,
  PackShape,
  PackStructure,
  PackTarget,
  Traits,
} from "../../src/aws/model-pack.ts";
import { constraintOf, type BotocoreMember, type BotocoreModel, type BotocoreShape } from "./from-botocore.ts";
import { PackBuilder } from "./pack-builder.ts";

/** All values of an enumeration by its name, as a newer source knows them. */
export type EnumValues = (name: string) => readonly string[] | undefined;

/**
 * Adds what the SDK's schemas lack and botocore's model of the same service has: length, range, pattern and enum of
 * inputs, and the errors of each operation.
 */
export function mergeBotocore(pack: ModelPack, model: BotocoreModel, enumValues: EnumValues): ModelPack {
  const builder = new PackBuilder();
  const constrain: Change = (target, use, theirs) => {
    const constraint = withoutLeftOut(constraintOf(theirs));
    if (!constraint) return target;
    const newer = constraint.enum && enumValues(use.shape);
    const values = newer && { enum: [...new Set([...constraint.enum, ...newer])] };
    const index = builder.constraint({ ...constraint, ...values });
    return withTraits(target, (traits) => ({ ...traits, constraint: index }));
  };
  const { operations, shapes } = walkInputs(pack, model, constrain);
  for (const [name, operation] of Object.entries(operations)) {
    const errors = (model.operations[name]?.errors ?? []).map((error) => error.shape);
    const known = errors.filter((error) => Object.hasOwn(pack.errors, error));
    if (known.length > 0) operations[name] = { ...operation, errors: known };
  }
  return { ...pack, operations, shapes, constraints: builder.constraints };
}

/** Marks the numbers of answers that may have fractions, which the SDK's schemas do not tell from whole ones. */
export function markDoubles(pack: ModelPack, model: BotocoreModel): ModelPack {
  const walker = new Walker(pack, model, (target, _use, theirs) =>
    theirs.type === "double" || theirs.type === "float"
      ? withTraits(target, (traits) => ({ ...traits, double: true }))
      : target,
  );
  for (const [name, { output }] of Object.entries(pack.operations)) {
    const theirs = model.operations[name]?.output;
    if (theirs) walker.visit(output, theirs.shape);
  }
  return { ...pack, shapes: walker.shapes };
}

/**
 * Members that became required after an older model was made are not enforced, because clients of that age omit them
 * and AWS still serves those.
 */
export function relaxRequired(pack: ModelPack, older: BotocoreModel): ModelPack {
  const relax: Change = (target, _use, _theirs, required) =>
    required ? target : withTraits(target, ({ required: _later, ...traits }) => traits);
  return { ...pack, shapes: walkInputs(pack, older, relax).shapes };
}

/** What to make of a member whose shape in botocore's model is `theirs`. */
type Change = (target: PackTarget, use: BotocoreMember, theirs: BotocoreShape, required: boolean) => PackTarget;

function walkInputs(
  pack: ModelPack,
  model: BotocoreModel,
  change: Change,
): { operations: Record<string, PackOperation>; shapes: PackShape[] } {
  const walker = new Walker(pack, model, change);
  for (const [name, operation] of Object.entries(pack.operations)) {
    const input = model.operations[name]?.input;
    if (input) walker.visit(operation.input, input.shape);
  }
  return { operations: { ...pack.operations }, shapes: walker.shapes };
}

/** Walks the shapes of a pack and those of botocore's model side by side. */
class Walker {
  readonly shapes: PackShape[];
  readonly #model: BotocoreModel;
  readonly #change: Change;
  readonly #visited = new Set<string>();

  constructor(pack: ModelPack, model: BotocoreModel, change: Change) {
    this.shapes = [...pack.shapes];
    this.#model = model;
    this.#change = change;
  }

  visit(reference: PackReference, name: string): void {
    const theirs = this.#model.shapes[name];
    const visit = `${reference} ${name}`;
    if (typeof reference !== "number" || !theirs || this.#visited.has(visit)) return;
    this.#visited.add(visit);
    const ours = this.shapes[reference]!;
    if (ours.kind === "list") {
      if (theirs.member) this.shapes[reference] = { ...ours, value: this.#target(ours.value, theirs.member, true) };
    } else if (ours.kind === "map") {
      if (!theirs.key || !theirs.value) return;
      const key = this.#target(ours.key, theirs.key, true);
      this.shapes[reference] = { ...ours, key, value: this.#target(ours.value, theirs.value, true) };
    } else {
      this.shapes[reference] = this.#members(ours, theirs);
    }
  }

  #members(ours: PackStructure, theirs: BotocoreShape): PackStructure {
    const members: Record<string, PackTarget> = {};
    for (const [name, target] of Object.entries(ours.members)) {
      const use = theirs.members?.[name];
      const required = theirs.required?.includes(name) === true;
      // A member that their model does not have yet is one that clients of its age omit.
      members[name] = use
        ? this.#target(target, use, required)
        : this.#change(target, { shape: "" }, { type: "" }, false);
    }
    return { ...ours, members };
  }

  #target(target: PackTarget, use: BotocoreMember, required: boolean): PackTarget {
    const theirs = this.#model.shapes[use.shape];
    if (!theirs) return target;
    this.visit(typeof target === "object" ? target[0] : target, use.shape);
    return this.#change(target, use, theirs, required);
  }
}

/**
 * Patterns that take exponential time on hostile values; `test/wire/validation.test.ts` finds them. They are left out, and
 * their members' handlers check what must be checked.
 */
const SLOW_PATTERNS: ReadonlySet<string> = new Set([
  String.raw`^[a-z0-9*](?:[._\-/a-z0-9*]?[a-z0-9*]+)*$`,
  String.raw`^[ \t]*[^\x00-\x1F:\x7F]+([ \t]+[^\x00-\x1F:\x7F]+)*[ \t]*$`,
  String.raw`^[ \t]*[\x20-\x7E]+([ \t]+[\x20-\x7E]+)*[ \t]*$`,
]);

/** Patterns that AWS was seen not to hold to: a namespace of metrics may have colons. */
const LOOSE_PATTERNS: ReadonlySet<string> = new Set([String.raw`[^:*$]*`]);

function withoutLeftOut(constraint: Constraint | undefined): Constraint | undefined {
  if (constraint?.pattern === undefined) return constraint;
  const { pattern, ...others } = constraint;
  if (!SLOW_PATTERNS.has(pattern) && !LOOSE_PATTERNS.has(pattern)) return constraint;
  return Object.keys(others).length > 0 ? others : undefined;
}

function withTraits(target: PackTarget, change: (traits: Traits) => Traits): PackTarget {
  const [reference, traits] = typeof target === "object" ? target : [target, {}];
  const changed = change(traits);
  return Object.keys(changed).length > 0 ? [reference, changed] : reference;
}
