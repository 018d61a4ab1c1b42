// The words that the endpoint's answers are described with (JSON Schema).

export type Schema = { readonly [keyword: string]: unknown };

export const text: Schema = { type: "string" };
export const count: Schema = { type: "integer", minimum: 0 };
export const flag: Schema = { type: "boolean" };
export const time: Schema = { type: "string", format: "date-time" };

export const listOf = (items: Schema): Schema => ({ type: "array", items });
export const mapOf = (values: Schema): Schema => ({ type: "object", additionalProperties: values });

/** All that there may be; those in `optional` may be missing. */
export function object(
  properties: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
): Schema {
  return { ...openObject(properties, optional), additionalProperties: false };
}

/** With what else somebody may have written into it. */
export function openObject(
  properties: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required };
}
