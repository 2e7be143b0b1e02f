/**
 * A template's policy document as the text that services take. Templates name statements by numbers (`Sid: 1`), which
 * CloudFormation hands over as text.
 */
export function policyText(document: unknown): string {
  if (typeof document === "string") return document;
  return JSON.stringify(document, (key, value: unknown) =>
    key === "Sid" && typeof value === "number" ? String(value) : value,
  );
}
