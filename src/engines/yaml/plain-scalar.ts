const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"].map((word) => [word, false] as const),
]);
const NULLS = new Set(["", "~", "null", "Null", "NULL"]);

/**
 * The value of an unquoted YAML word as CloudFormation takes it: YAML 1.1's booleans, numbers, and everything else,
 * dates included, as text. Numbers that would change when written again (leading zeros, more than 15 digits) stay text.
 */
export function plainScalar(text: string): string | number | boolean | null {
  if (NULLS.has(text)) return null;
  const flag = BOOLEANS.get(text);
  if (flag !== undefined) return flag;
  if (/^[-+]?(0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  if (/^0x[0-9a-fA-F]{1,12}$/.test(text)) return Number.parseInt(text, 16);
  if (
    /^[-+]?(\d{1,15}\.\d{0,15}|\.\d{1,15})([eE][-+]?\d{1,3})?$/.test(text) ||
    /^[-+]?\d{1,15}[eE][-+]\d{1,3}$/.test(text)
  ) {
    return Number(text);
  }
  return text;
}
