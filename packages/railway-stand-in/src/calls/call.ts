/** A call of one field of the root, and how its arguments are read: they fit the schema already. */
import type { Answer, Args } from '../graphql/execute.ts';
import { isJsonObject, type Json, type JsonObject, objectOf } from '../graphql/json.ts';
import type { Token } from '../world/records.ts';
import type { World } from '../world/world.ts';

export interface Call {
  readonly world: World;
  readonly caller: Token;
  readonly field: string;
  readonly args: Args;
}

export type Resolver = (call: Call) => Answer | Promise<Answer>;
export type Resolvers = ReadonlyMap<string, Resolver>;

/** The schema requires it, so that '' stands for a fault of ours. */
export function textAt(args: Args, name: string): string {
  return optionalTextAt(args, name) ?? '';
}

export function optionalTextAt(args: Args, name: string): string | null {
  const value = args[name];
  return typeof value === 'string' ? value : null;
}

export function textsAt(args: Args, name: string): readonly string[] {
  const value = args[name];
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

export function inputOf({ args }: Call): JsonObject {
  const { input = null }: { readonly input?: Json } = args;
  return isJsonObject(input) ? input : objectOf([]);
}
