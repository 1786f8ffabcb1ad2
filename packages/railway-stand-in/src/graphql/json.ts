/** JSON as it comes and goes. */
export type Json = null | string | number | boolean | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json;
}

export function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What JSON.parse gave, or a part of it: its word is taken for the shape, and looked at all the same. */
export function jsonOf(value: unknown): Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') return value;
  if (Array.isArray(value)) return value.map(jsonOf);
  if (isObject(value)) return objectOf(Object.entries(value));
  return null;
}

/** Without a prototype: `__proto__` and `constructor` are names like others. */
export function objectOf(entries: Iterable<readonly [string, unknown]>): JsonObject {
  const made: { [name: string]: Json } = Object.create(null);
  for (const [name, value] of entries) made[name] = jsonOf(value);
  return made;
}

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return isObject(value);
}
