/** A mapping template, read: https://velocity.apache.org/engine/1.7/user-guide.html */
export type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "reference"; readonly reference: Reference }
  | { readonly kind: "set"; readonly target: Reference; readonly value: Expression }
  | { readonly kind: "if"; readonly branches: readonly Branch[]; readonly otherwise: readonly Node[] }
  | { readonly kind: "foreach"; readonly name: string; readonly list: Expression; readonly body: readonly Node[] }
  | { readonly kind: "break" | "stop" };

export interface Branch {
  readonly test: Expression;
  readonly body: readonly Node[];
}

export interface Reference {
  readonly name: string;
  /** `$!name`: nothing is shown where it is not there. */
  readonly quiet: boolean;
  readonly steps: readonly Step[];
  /** As it is written. */
  readonly source: string;
}

export type Step =
  | { readonly kind: "property"; readonly name: string }
  | { readonly kind: "call"; readonly name: string; readonly given: readonly Expression[] }
  | { readonly kind: "index"; readonly at: Expression };

export type Expression =
  | { readonly kind: "literal"; readonly value: string | number | boolean | null }
  | { readonly kind: "interpolated"; readonly nodes: readonly Node[] }
  | { readonly kind: "reference"; readonly reference: Reference }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | { readonly kind: "range"; readonly from: Expression; readonly to: Expression }
  | { readonly kind: "map"; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly kind: "not" | "minus"; readonly of: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression };

/** What is wrong with a template, and where. */
export class TemplateFault extends Error {}
