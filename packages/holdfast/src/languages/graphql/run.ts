/** A plan with variables put in: the fields of the root that would run. Throws `Unreadable`. */
import { isDeepStrictEqual } from 'node:util';
import type { Json } from '../json/json-text.ts';
import type {
  GraphqlArguments,
  GraphqlCall,
  GraphqlField,
  GraphqlReading,
} from './graphql-reading.ts';
import {
  argumentsOf,
  type Condition,
  isWritten,
  type Plan,
  type PlannedField,
  type PlannedRoot,
  Unreadable,
} from './plan.ts';

export function runOf(plan: Plan, given: GraphqlArguments): GraphqlReading {
  const variables = variablesOf(plan, given);
  const calls = new Map<string, GraphqlCall>();
  for (const root of plan.roots) {
    if (!isWanted(root, variables)) continue;
    const call = callOf(root, variables);
    const twin = calls.get(root.key);
    calls.set(root.key, twin === undefined ? call : merged(twin, call));
  }
  const { operation, name } = plan;
  return { kind: 'understood', operation, name, calls: [...calls.values()] };
}

/** What is not defined is not looked at by any server; what is not given has its default. */
function variablesOf({ variables }: Plan, given: GraphqlArguments): ReadonlyMap<string, Json> {
  const values = new Map<string, Json>();
  for (const [name, usual] of variables) {
    const value = Object.hasOwn(given, name) ? given[name] : usual;
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

function callOf(root: PlannedRoot, variables: ReadonlyMap<string, Json>): GraphqlCall {
  const below =
    root.belowAlways ??
    root.below
      .filter((field) => isWanted(field, variables))
      .map((field) => fieldOf(field, variables));
  const { args, name } = fieldOf(root, variables);
  return { key: root.key, name, args, below };
}

function fieldOf({ name, args }: PlannedField, variables: ReadonlyMap<string, Json>): GraphqlField {
  return { name, args: isWritten(args) ? argumentsOf(args, variables) : args };
}

/** The same answer asked for twice is given once (specification 5.3.2); two answers are not one. */
function merged(one: GraphqlCall, other: GraphqlCall): GraphqlCall {
  if (one.name !== other.name || !isDeepStrictEqual(one.args, other.args)) {
    throw new Unreadable(
      'ambiguous',
      `Expected one field to answer as ${one.key}, found ${one.name} and ${other.name} or other arguments.`,
    );
  }
  return { ...one, below: [...one.below, ...other.below] };
}

function isWanted({ conditions }: PlannedField, variables: ReadonlyMap<string, Json>): boolean {
  // All are looked at, also behind one that is false: a condition that is no boolean is an error.
  let holds = true;
  for (const condition of conditions) if (!isMet(condition, variables)) holds = false;
  return holds;
}

function isMet({ wanted, on }: Condition, variables: ReadonlyMap<string, Json>): boolean {
  const value = typeof on === 'boolean' ? on : variables.get(on.variable);
  if (typeof value === 'boolean') return value === wanted;
  throw new Unreadable('ambiguous', 'Expected a condition to be true or false, found neither.');
}
