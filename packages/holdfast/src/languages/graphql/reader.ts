/**
 * The GraphQL reader: which fields of the root would this request run, and with what? By the reference
 * parser (graphql-js), with limits on bytes and tokens before it, on depth, fields and aliases after it.
 *
 * The order: the text is looked up; else parsed and planned (`plan.ts`). Then the operation is picked
 * by name and the variables put in (`run.ts`). No schema is needed: a document that a schema would
 * reject is said to run, and does not.
 *
 * What it will not do: say what a field does (a provider's catalogue), or pick one of two meanings.
 */
import { GraphQLError, parse } from 'graphql';
import {
  GRAPHQL_CACHE_BYTES_MAX,
  GRAPHQL_CACHE_ENTRIES_MAX,
  GRAPHQL_TEXT_CHARS_MAX,
  GRAPHQL_TOKENS_MAX,
} from '../../model/limits.ts';
import { type GraphqlReading, type GraphqlRequest, unread } from './graphql-reading.ts';
import { type Plan, plansOf, Unreadable } from './plan.ts';
import { runOf } from './run.ts';

interface Planned {
  readonly plan: Plan;
  /** When it hangs on no variable. */
  readonly reading: GraphqlReading | null;
}

type Document =
  | { readonly kind: 'planned'; readonly operations: readonly Planned[] }
  | Extract<GraphqlReading, { readonly kind: 'could-not-tell' }>;

const NO_VALUES = {};

export class GraphqlReader {
  /** Two generations: what is used survives, the rest is forgotten whole. */
  #young = new Map<string, Document>();
  #old = new Map<string, Document>();
  #youngBytes = 0;

  /** Never throws. Equal requests without variables give the same object for as long as it is kept. */
  read({ query, variables, operationName }: GraphqlRequest): GraphqlReading {
    const document = this.#document(query);
    if (document.kind === 'could-not-tell') return document;
    const picked = pick(document.operations, operationName);
    if ('kind' in picked) return picked;
    return picked.reading ?? guarded(() => runOf(picked.plan, variables));
  }

  #document(query: string): Document {
    if (query.length > GRAPHQL_TEXT_CHARS_MAX) {
      const found = `${query.length} characters`;
      return unread('too-large', `Expected at most ${GRAPHQL_TEXT_CHARS_MAX}, found ${found}.`);
    }
    if (query.includes('\0')) {
      return unread('nul-byte', 'Expected text without NUL characters, found one.');
    }
    const hit = this.#young.get(query);
    if (hit !== undefined) return hit;
    const document = this.#old.get(query) ?? planned(query);
    this.#keep(query, document);
    return document;
  }

  #keep(query: string, document: Document): void {
    // A plan takes about ten times its text.
    const size = 10 * query.length;
    const isFull = this.#young.size >= GRAPHQL_CACHE_ENTRIES_MAX;
    if (isFull || this.#youngBytes + size > GRAPHQL_CACHE_BYTES_MAX) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(query, document);
    this.#youngBytes += size;
  }
}

function planned(query: string): Document {
  try {
    const document = parse(query, { maxTokens: GRAPHQL_TOKENS_MAX, noLocation: true });
    const operations = plansOf(document).map((plan) => ({
      plan,
      reading: plan.isConstant ? guarded(() => runOf(plan, NO_VALUES)) : null,
    }));
    return { kind: 'planned', operations };
  } catch (error) {
    if (error instanceof Unreadable) return { kind: 'could-not-tell', reason: error.reason };
    if (error instanceof RangeError) {
      return unread('too-complex', 'Expected nesting that can be walked, found a deeper one.');
    }
    if (!(error instanceof GraphQLError)) {
      return unread('reader-failed', `Expected GraphQL to be read, found: ${String(error)}.`);
    }
    const isLong = error.message.includes('Parsing aborted');
    const position = error.positions?.[0];
    return isLong
      ? unread('too-complex', `Expected at most ${GRAPHQL_TOKENS_MAX} tokens, found more.`)
      : unread('syntax-error', `${error.message}.`, position === undefined ? null : position + 1);
  }
}

function pick(operations: readonly Planned[], wanted: string | null): Planned | GraphqlReading {
  const found = wanted === null ? operations : named(operations, wanted);
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  const what = wanted === null ? 'one operation, or its name' : `one operation named ${wanted}`;
  return unread('ambiguous', `Expected ${what}, found ${found.length}.`);
}

function named(operations: readonly Planned[], wanted: string): readonly Planned[] {
  return operations.filter(({ plan }) => plan.name === wanted);
}

function guarded(run: () => GraphqlReading): GraphqlReading {
  try {
    return run();
  } catch (error) {
    if (error instanceof Unreadable) return { kind: 'could-not-tell', reason: error.reason };
    throw error;
  }
}
