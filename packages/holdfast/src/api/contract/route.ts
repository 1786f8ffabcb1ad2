/**
 * What a route of the API is, as data: the server enforces it, OpenAPI is generated from it, the
 * dashboard and the command line take their types from it. There is no other description.
 */
import { z } from 'zod';
import type { Permission } from '../../identity/roles.ts';
import { API_PAGE_DEFAULT, API_PAGE_MAX } from '../../model/limits.ts';

/**
 * - `anyone`     nobody needs to be signed in (signing in itself, health)
 * - `signed-in`  a person, whatever their roles
 * - `agent`      an agent with its token, about itself; and whoever may see holds
 * - a permission of identity/roles.ts
 */
export type Access = 'anyone' | 'signed-in' | 'agent' | Permission;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

type Schema = z.ZodType;

export interface Route<
  Params extends Schema = Schema,
  Query extends Schema = Schema,
  Body extends Schema = Schema,
  Answer extends Schema = Schema,
> {
  readonly method: Method;
  /** With `:name` for what `params` describes. */
  readonly path: `/v1/${string}`;
  readonly access: Access;
  /** One line, imperative. */
  readonly summary: string;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly answer: Answer;
  /** The person must have proved to be there within PROVED_MS_MAX. */
  readonly wantsRecentProof: boolean;
  /** Its answer holds a secret that is shown once: it is kept nowhere, not even for the same request again. */
  readonly showsSecret: boolean;
  /**
   * Null: the answer is one JSON value. Else it comes piece by piece: events (WHATWG HTML, 9.2), each
   * with an `answer` as its data, or a file that `answer` says nothing about: of lines, or of a type and a
   * name that the handler says.
   */
  readonly stream: null | 'text/event-stream' | 'application/jsonl' | 'file';
  /** Of a `file`: the types it may have; empty where the answer is none. */
  readonly fileTypes: readonly FileType[];
  /** Somebody could guess here: counted by source, and more tightly than the rest. */
  readonly isAttempt: boolean;
}

export type StreamType = NonNullable<Route['stream']>;
export type FileType = 'text/html' | 'application/json';

export const NOTHING = z.strictObject({});

type Given<Value, Otherwise> = Value extends Schema ? Value : Otherwise;

interface RouteWords<P, Q, B, A extends Schema> {
  readonly method: Method;
  readonly path: `/v1/${string}`;
  readonly access: Access;
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly answer: A;
  readonly wantsRecentProof?: boolean;
  readonly isAttempt?: boolean;
  readonly showsSecret?: boolean;
}

export function route<
  A extends Schema,
  P extends Schema = typeof NOTHING,
  Q extends Schema = typeof NOTHING,
  B extends Schema = typeof NOTHING,
>(
  words: RouteWords<P, Q, B, A>,
): Route<Given<P, never>, Given<Q, never>, Given<B, never>, A> & { readonly stream: null };
export function route(words: RouteWords<Schema, Schema, Schema, Schema>): Route {
  return {
    params: NOTHING,
    query: NOTHING,
    body: NOTHING,
    wantsRecentProof: false,
    isAttempt: false,
    showsSecret: false,
    stream: null,
    fileTypes: [],
    ...words,
  };
}

interface StreamWords<P, Q, A extends Schema, S extends StreamType> {
  readonly path: `/v1/${string}`;
  readonly access: Access;
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly answer: A;
  readonly stream: S;
  readonly fileTypes?: readonly FileType[];
}

/** A route whose answer comes piece by piece. */
export function streamRoute<
  A extends Schema,
  S extends StreamType,
  P extends Schema = typeof NOTHING,
  Q extends Schema = typeof NOTHING,
>(
  words: StreamWords<P, Q, A, S>,
): Route<Given<P, never>, Given<Q, never>, typeof NOTHING, A> & { readonly stream: S };
export function streamRoute(words: StreamWords<Schema, Schema, Schema, StreamType>): Route {
  return {
    method: 'GET',
    params: NOTHING,
    query: NOTHING,
    body: NOTHING,
    wantsRecentProof: false,
    isAttempt: false,
    showsSecret: false,
    fileTypes: [],
    ...words,
  };
}

/** A page of a list: `?limit=&cursor=`; `next` of an answer is the cursor of the page after it. */
export const PAGE_QUERY = {
  limit: z.coerce.number().int().min(1).max(API_PAGE_MAX).default(API_PAGE_DEFAULT),
  cursor: z.string().max(200).optional(),
};

export function pageOf<Item extends Schema>(item: Item) {
  return z.object({ items: z.array(item), next: z.string().nullable() });
}

/** An id as a path carries it: `hold_…`. */
export const ID = z.strictObject({ id: z.string().min(1).max(64) });

/** A name, or part of one, that a list is narrowed by. */
export const NAME = z.string().min(1).max(200);

/** An instant: ISO 8601, UTC, milliseconds. */
export const WHEN = z.iso.datetime();

/** One event of long work: how far it is. */
export const PROGRESS = z.object({
  kind: z.literal('progress'),
  done: z.number().int(),
  total: z.number().int(),
  perSecond: z.number(),
  /** Null: not known yet. */
  leftSeconds: z.number().nullable(),
});
