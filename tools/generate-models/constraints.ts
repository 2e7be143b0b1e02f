import type { ModelPack, PackReference, PackShape, PackStructure, PackTarget, Traits } from "../../src/aws/model-pack.ts";
import { constraintOf, type BotocoreMember, type BotocoreModel, type BotocoreShape } from "./from-botocore.ts";
import { PackBuilder } from "./pack-builder.ts";

/**
 * Adds what the SDK's schemas lack and botocore's model of the same service has: length, range, pattern and enum of
 * inputs, the errors of each operation, and which members were already required when that model was made (a member
 * that became required later is not enforced, because older clients omit it).
 */
export function mergeBotocore(pack: ModelPack, model: BotocoreModel): ModelPack {
  const merger = new Merger(pack, model);
  const operations = { ...pack.operations };
  for (const [name, operation] of Object.entries(pack.operations)) {
    const known = model.operations[name];
    if (!known) continue;
    if (known.input) merger.visit(operation.input, known.input.shape);
    const errors = (known.errors ?? []).map((error) => error.shape).filter((error) => Object.hasOwn(pack.errors, error));
    if (errors.length > 0) operations[name] = { ...operation, errors };
  }
  return { ...pack, operations, shapes: merger.shapes, constraints: merger.constraints };
}

class Merger {
  readonly shapes: PackShape[];
  readonly #model: BotocoreModel;
  readonly #builder = new PackBuilder();
  readonly #visited = new Set<string>();

  constructor(pack: ModelPack, model: BotocoreModel) {
    this.shapes = [...pack.shapes];
    this.#model = model;
  }

  get constraints(): ModelPack["constraints"] {
    return this.#builder.constraints;
  }

  visit(reference: PackReference, name: string): void {
    if (typeof reference !== "number") return;
    const visit = `${reference} ${name}`;
    if (this.#visited.has(visit)) return;
    this.#visited.add(visit);
    const ours = this.shapes[reference]!;
    const theirs = this.#model.shapes[name];
    if (!theirs) return;
    if (ours.kind === "list") {
      if (theirs.member) this.shapes[reference] = { ...ours, value: this.#merge(ours.value, theirs.member) };
    } else if (ours.kind === "map") {
      if (!theirs.key || !theirs.value) return;
      const key = this.#merge(ours.key, theirs.key);
      this.shapes[reference] = { ...ours, key, value: this.#merge(ours.value, theirs.value) };
    } else {
      this.shapes[reference] = this.#mergeMembers(ours, theirs);
    }
  }

  #mergeMembers(ours: PackStructure, theirs: BotocoreShape): PackStructure {
    const members: Record<string, PackTarget> = {};
    for (const [name, target] of Object.entries(ours.members)) {
      const known = theirs.members?.[name];
      if (!known) {
        // Newer than their model, so no old client sends it: what it requires of new members does not hold for them.
        members[name] = withTraits(target, ({ required: _new, ...traits }) => traits);
        continue;
      }
      const stillRequired = theirs.required?.includes(name) === true;
      const merged = this.#merge(target, known);
      members[name] = stillRequired ? merged : withTraits(merged, ({ required: _later, ...traits }) => traits);
    }
    return { ...ours, members };
  }

  #merge(target: PackTarget, use: BotocoreMember): PackTarget {
    const shape = this.#model.shapes[use.shape];
    if (!shape) return target;
    this.visit(typeof target === "object" ? target[0] : target, use.shape);
    const constraint = constraintOf(shape);
    if (!constraint) return target;
    const index = this.#builder.constraint(constraint);
    return withTraits(target, (traits) => ({ ...traits, constraint: index }));
  }
}

function withTraits(target: PackTarget, change: (traits: Traits) => Traits): PackTarget {
  const [reference, traits] = typeof target === "object" ? target : [target, {}];
  const changed = change(traits);
  return Object.keys(changed).length > 0 ? [reference, changed] : reference;
}
