/** Something wrong with a template, with where it is. */
export interface Diagnostic {
  /** A pointer such as `/Resources/Fn/Properties/Code`. */
  readonly path: string;
  readonly line?: number;
  /** CloudFormation's words. */
  readonly message: string;
  readonly logicalId?: string;
}

/** A fault found while a value is computed; `message` is CloudFormation's text for it. */
export class TemplateError extends Error {
  readonly path: string;
  constructor(message: string, path = "") {
    super(message);
    this.name = "TemplateError";
    this.path = path;
  }
}
