/**
 * Every call there is. A mutation without a row of its own is taken, written down with its arguments and
 * answered with a value of its type, and changes nothing here.
 */
import { randomUUID } from 'node:crypto';
import type { Answer, Args, OperationKind, RunRoot } from '../graphql/execute.ts';
import { isJsonObject, type Json } from '../graphql/json.ts';
import { innermost } from '../graphql/schema.ts';
import type { Follow } from '../graphql/subscribe.ts';
import { RAILWAY } from '../schema/index.ts';
import type { Token } from '../world/records.ts';
import type { World } from '../world/world.ts';
import type { Call, Resolver } from './call.ts';
import { DESTROY_DATA } from './destroy-data.ts';
import { DESTROY_REST } from './destroy-rest.ts';
import { DOCUMENTS } from './documents.ts';
import { ORDINARY } from './ordinary.ts';
import { QUERY_RESOLVERS } from './queries.ts';
import { authorize } from './scope.ts';
import { SUBSCRIPTION_RESOLVERS } from './subscriptions.ts';

/** A field of the root that was run, with what it was given: defaults and variables are in. */
export interface Executed {
  readonly operation: OperationKind;
  readonly field: string;
  readonly args: { readonly [name: string]: Json };
  /** Why it did nothing; null when it did what it says. */
  readonly error: string | null;
}

const MUTATION_RESOLVERS = new Map<string, Resolver>([
  ...DESTROY_DATA,
  ...DESTROY_REST,
  ...DOCUMENTS,
  ...ORDINARY,
]);

export function runFor(world: World, caller: Token, note: (executed: Executed) => void): RunRoot {
  return async (operation, field, args) => {
    const call: Call = { world, caller, field, args };
    const resolvers = operation === 'query' ? QUERY_RESOLVERS : MUTATION_RESOLVERS;
    try {
      authorize(call);
      const answer = await (resolvers.get(field) ?? taken)(call);
      note({ operation, field, args, error: null });
      return answer;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      note({ operation, field, args, error: message });
      throw error;
    }
  };
}

/** A subscription is written down when it begins, or is refused. */
export function followFor(world: World, caller: Token, note: (executed: Executed) => void): Follow {
  return (field, args, told) => {
    const call: Call = { world, caller, field, args };
    try {
      authorize(call);
      const stop = SUBSCRIPTION_RESOLVERS.get(field)?.(call, told);
      note({ operation: 'subscription', field, args, error: null });
      return stop ?? (() => {});
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      note({ operation: 'subscription', field, args, error: message });
      throw error;
    }
  };
}

/** Nothing is done and nobody is asked who he is: what would run is written down. */
export function rehearse(note: (executed: Executed) => void): RunRoot {
  return (operation, field, args) => {
    note({ operation, field, args, error: null });
    return valueOfType(operation === 'query' ? 'Query' : 'Mutation', field, args);
  };
}

function taken({ field, args }: Call): Answer {
  return valueOfType('Mutation', field, args);
}

/** What was given comes back under its own names, the rest is made up. */
function valueOfType(root: string, field: string, args: Args): Answer {
  const owner = RAILWAY.get(root);
  const type = owner?.kind === 'object' ? owner.fields.get(field)?.type : undefined;
  if (type === undefined) return null;
  const name = innermost(type);
  const named = RAILWAY.get(name);
  if (named?.kind === 'object') {
    const { input = null } = args;
    const given = { ...args, ...(isJsonObject(input) ? input : {}) };
    const fits = Object.entries(given).filter(
      ([key, value]) => innermost(named.fields.get(key)?.type ?? type) in PLAIN && value !== null,
    );
    const one = { ...Object.fromEntries(fits), id: randomUUID() };
    const isList = type.kind === 'list' || (type.kind === 'non-null' && type.of.kind === 'list');
    return isList ? [one] : one;
  }
  if (name === 'Boolean') return true;
  return name === 'Int' ? 0 : randomUUID();
}

const PLAIN = { String: true, ID: true };
