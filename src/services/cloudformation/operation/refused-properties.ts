/** What is said of the properties of a resource that its type refuses (`ResourceType.refuses`). */
export const refusal = (type: string, names: readonly string[]): string =>
  `Starling does not implement ${names.length > 1 ? "the properties" : "the property"} ${names.join(", ")} of ${type} yet.`;
