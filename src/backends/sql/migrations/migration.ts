/** One step of the schema's history. Steps are never changed once released, only added. */
export interface Migration {
  /** 1, 2, 3 and so on, without a gap. */
  readonly version: number;
  readonly name: string;
  /** Run in order, all in one transaction. */
  readonly statements: readonly string[];
}
