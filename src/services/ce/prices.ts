import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What one unit of a usage type costs. */
export interface Price {
  /** US dollars for one unit. */
  readonly price: number;
  /** The unit's name, as AWS's price list has it. */
  readonly unit: string;
}

/** Prices by usage type, without a region's prefix. */
export type Prices = ReadonlyMap<string, Price>;

export interface CostState {
  readonly prices: Prices;
}

/**
 * AWS's public prices of us-east-1 without the free tier (https://aws.amazon.com/lambda/pricing/). A file `prices.json` of the
 * same form in the data directory replaces them, usage type by usage type. Throws an error that names the file and what is wrong.
 */
export function readPrices(dataFolder: string): Prices {
  const file = join(dataFolder, "prices.json");
  const own = parsePrices(join(import.meta.dirname, "prices.json"));
  return existsSync(file) ? new Map([...own, ...parsePrices(file)]) : own;
}

function parsePrices(file: string): Map<string, Price> {
  let table: unknown;
  try {
    table = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`The price table ${file} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof table !== "object" || table === null || Array.isArray(table))
    throw new Error(`The price table ${file} must be an object of usage types.`);
  return new Map(
    Object.entries(table as Record<string, Partial<Price> | null>).map(([usageType, entry]) => {
      const { price, unit } = entry ?? {};
      if (typeof price !== "number" || !(price >= 0) || typeof unit !== "string")
        throw new Error(
          `The price table ${file}: "${usageType}" must be like { "price": 0.0000002, "unit": "Requests" }.`,
        );
      return [usageType, { price, unit }];
    }),
  );
}
