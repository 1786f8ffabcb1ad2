/** How a request of the command line reaches a Holdfast: over the wire, or within this process. */
import type { Readable } from 'node:stream';
import type { Method } from '../../api/contract/route.ts';

export interface Request {
  readonly method: Method;
  /** Path and query. */
  readonly path: string;
  /** JSON; null: none. */
  readonly body: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Response {
  readonly status: number;
  readonly contentType: string;
  /** Must be read to its end or destroyed. */
  readonly body: Readable;
}

export interface Transport {
  /** Where to; for what is said to people. */
  readonly place: string;
  /** The command that opens a fresh session there; null: none is needed. */
  readonly toSignIn: string | null;
  /** Rejects with HF_API_UNREACHABLE when there is no whole answer. */
  send(request: Request): Promise<Response>;
  /** What is said when an answer breaks off in the middle. */
  readonly broken: (error: unknown) => unknown;
  /** What broke inside, when the answer is HF_INTERNAL and this process knows more. */
  readonly fault: () => unknown;
  /** Cuts what is open. */
  close(): Promise<void>;
}
