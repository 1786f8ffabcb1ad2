/** What another program printed is looked at, not believed. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let there: unknown = value;
  for (const name of path) {
    if (typeof there !== 'object' || there === null || !(name in there)) return undefined;
    there = Reflect.get(there, name);
  }
  return there;
}

export function textAt(value: unknown, ...path: readonly string[]): string {
  const text = at(value, ...path);
  if (typeof text !== 'string') throw new Error(`There is no text at ${path.join('.')}.`);
  return text;
}

export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const list = at(value, ...path);
  return Array.isArray(list) ? list : [];
}
