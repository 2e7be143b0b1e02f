import type { Constraint, PackReference, PackShape } from "../../src/aws/model-pack.ts";

/** Gathers the shapes and constraints of one pack, each once. */
export class PackBuilder {
  readonly shapes: PackShape[] = [];
  readonly constraints: Constraint[] = [];
  readonly #shapeIndex = new Map<unknown, number>();
  readonly #constraintIndex = new Map<string, number>();

  /** The index of the shape known by `key`; `build` runs once, and may ask for the same key again. */
  shape(key: unknown, build: () => PackShape): PackReference {
    const known = this.#shapeIndex.get(key);
    if (known !== undefined) return known;
    const index = this.shapes.length;
    this.#shapeIndex.set(key, index);
    this.shapes.push(undefined as unknown as PackShape); // keeps the place while members are built
    this.shapes[index] = build();
    return index;
  }

  constraint(constraint: Constraint): number {
    const text = JSON.stringify(constraint);
    const known = this.#constraintIndex.get(text);
    if (known !== undefined) return known;
    this.constraints.push(constraint);
    this.#constraintIndex.set(text, this.constraints.length - 1);
    return this.constraints.length - 1;
  }
}
