/** What a handler is given and answers, typed by its route in the contract. */
import type { z } from 'zod';
import type { Principal } from '../identity/principal.ts';
import type { Routes } from './contract/index.ts';
import type { FileType, Route } from './contract/route.ts';

export interface Cookies {
  /** Null: not sent. */
  readonly session: string | null;
  readonly device: string | null;
}

export interface KeptSession {
  readonly secret: string;
  readonly device: string | null;
  /** Whose it is: the browser is known for having been theirs. */
  readonly personId: string;
}

/** Who asks, and from where, whatever the route. */
export interface Around {
  /** Ids of people as whom this browser signed in before; empty: a stranger's. */
  readonly knownAs: readonly string[];
  /** Null: nobody is signed in; the route is open to anyone. */
  readonly principal: Principal | null;
  readonly source: string;
  readonly userAgent: string;
  readonly cookies: Cookies;
  /** Of a stream that was cut: the id of the last event that came through. */
  readonly lastEventId: string | null;
  /** Whoever asked is gone; there is nobody to answer. */
  readonly gone: AbortSignal;
  /** Set with the answer; null forgets them. The device stays known. */
  readonly keepSession: (session: KeptSession | null) => void;
  /** The device alone, for what a browser begins before anybody is signed in. */
  readonly keepDevice: (device: string) => void;
}

export interface Ask<R extends Route> extends Around {
  readonly params: z.output<R['params']>;
  readonly query: z.output<R['query']>;
  readonly body: z.output<R['body']>;
}

/** One event of a stream: its id, when there is a point in going on behind it, and its data. */
export interface StreamEvent<Data> {
  readonly id: string | null;
  readonly data: Data;
}

/** A file that a browser saves. What is refused is thrown before there is one. */
export interface FileAnswer {
  readonly type: FileType;
  /** ASCII, without quotes. */
  readonly name: string;
  readonly pieces: AsyncIterable<string>;
}

type Streamed<R extends Route> = R extends { readonly stream: 'text/event-stream' }
  ? AsyncIterable<StreamEvent<z.input<R['answer']>>>
  : R extends { readonly stream: 'file' }
    ? FileAnswer
    : AsyncIterable<string>;

/** Its answer is parsed by the contract before it leaves: what is not named there does not. */
export type Handler<R extends Route> = (
  ask: Ask<R>,
) => Promise<R extends { readonly stream: string } ? Streamed<R> : z.input<R['answer']>>;

export type Handlers<Some extends Record<string, Route> = Routes> = {
  readonly [Name in keyof Some]: Handler<Some[Name]>;
};
