/**
 * What the GraphQL reader says of one request: which fields of the root would run, with which
 * arguments. What a field does is not in the text; a provider's catalogue knows.
 */
import type { CouldNotTell } from '../../model/effect.ts';
import type { Json } from '../json/json-text.ts';

export type GraphqlOperation = 'query' | 'mutation' | 'subscription';

export type GraphqlArguments = { readonly [name: string]: Json };

/** A field below the root, wherever it stands: what a query reads. */
export interface GraphqlField {
  readonly name: string;
  readonly args: GraphqlArguments;
}

/** One field of the root that would run, once. */
export interface GraphqlCall extends GraphqlField {
  /** Under which name the answer comes: the alias, or the name. */
  readonly key: string;
  /** All fields below it, without those that a directive leaves out. */
  readonly below: readonly GraphqlField[];
}

export type GraphqlReading =
  | {
      readonly kind: 'understood';
      readonly operation: GraphqlOperation;
      /** Its own name; null when it has none. */
      readonly name: string | null;
      /** In the order they run. */
      readonly calls: readonly GraphqlCall[];
    }
  | { readonly kind: 'could-not-tell'; readonly reason: CouldNotTell };

/** One operation to run: what GraphQL over HTTP calls a request. */
export interface GraphqlRequest {
  readonly query: string;
  readonly variables: GraphqlArguments;
  readonly operationName: string | null;
}

export function unread(
  code: CouldNotTell['code'],
  message: string,
  position: number | null = null,
): { readonly kind: 'could-not-tell'; readonly reason: CouldNotTell } {
  return { kind: 'could-not-tell', reason: { code, message, position } };
}
