/** Whether a value is the wanted text, in which `*` stands for anything: in one pass, whatever the text. */
export function matchesStars(wanted: string, value: string): boolean {
  if (!wanted.includes("*")) return wanted === value;
  const [first = "", ...others] = wanted.split("*");
  const last = others.pop() ?? "";
  if (!value.startsWith(first) || !value.endsWith(last) || value.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of others) {
    const found = value.indexOf(part, at);
    if (found < 0 || found + part.length > value.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}
