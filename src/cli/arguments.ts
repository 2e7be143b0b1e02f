/** The flags and words of a command, after its name. Settings of the platform (`--port`) are read elsewhere and let through. */
export interface Parsed {
  readonly words: readonly string[];
  /** The value of a flag, the last one of many, or undefined. */
  value(flag: string): string | undefined;
  /** The values of a flag that may be given more than once. */
  values(flag: string): readonly string[];
  has(flag: string): boolean;
}

/** Flags of the configuration that every command takes. */
const SETTINGS = [
  "--port",
  "--host",
  "--data",
  "--public-url",
  "--account",
  "--region",
  "--access-key-id",
  "--secret-access-key",
];

/** Reads a command's arguments. Throws for a flag that the command does not have, and for a value that is missing. */
export function parseArguments(
  args: readonly string[],
  known: { values?: readonly string[]; switches?: readonly string[] },
): Parsed {
  const values = new Map<string, string[]>();
  const switches = new Set<string>();
  const words: string[] = [];
  const valued = [...(known.values ?? []), ...SETTINGS];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    const equals = arg.indexOf("=");
    const flag = equals < 0 ? arg : arg.slice(0, equals);
    if (!arg.startsWith("--")) words.push(arg);
    else if (valued.includes(flag)) {
      const value = equals < 0 ? args[++at] : arg.slice(equals + 1);
      if (value === undefined || (equals < 0 && value.startsWith("--"))) throw new Error(`${flag} needs a value`);
      values.set(flag, [...(values.get(flag) ?? []), value]);
    } else if (known.switches?.includes(arg)) switches.add(arg);
    else
      throw new Error(
        `there is no option ${flag}. There are: ${[...(known.values ?? []), ...(known.switches ?? [])].join(", ") || "none"}`,
      );
  }
  return {
    words,
    value: (flag) => values.get(flag)?.at(-1),
    values: (flag) => values.get(flag) ?? [],
    has: (flag) => switches.has(flag),
  };
}

/** The one word that a command needs. */
export function oneWord(parsed: Parsed, what: string, usage: string): string {
  const [word, ...more] = parsed.words;
  if (!word || more.length > 0) throw new Error(`${word ? `one ${what} only` : `which ${what}?`} Usage: ${usage}`);
  return word;
}
