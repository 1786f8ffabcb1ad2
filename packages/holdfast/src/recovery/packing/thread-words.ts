/** What is said between the main thread and the thread that packs and unpacks. */
import type { ErrorCode } from '../../model/errors.ts';
import type { PipeMemory } from './shared-pipe.ts';

/** Which taker of the pipe is which. */
export const HASHER = 0;
export const WRITER = 1;
export const TAKERS = 2;

/** One file at a time. */
export type Work =
  /** A tar stream comes, packed bytes go back. */
  | {
      readonly kind: 'pack';
      readonly recipients: readonly string[];
      /** Of the paths of its files. */
      readonly prefix: string;
      /** It comes as an LZ4 frame: opened to be hashed, and stored as it came. */
      readonly isCompressed: boolean;
    }
  /** Bytes of any kind come, hashed as one file, and packed ones go back. */
  | { readonly kind: 'seal'; readonly recipients: readonly string[] }
  /** Packed bytes come, plain ones go into the pipe, or back. */
  | {
      readonly kind: 'open';
      readonly identities: readonly string[];
      readonly of: string;
      /** Null: back. */
      readonly into: PipeMemory | null;
    }
  /** A tar stream comes out of the pipe, and its files are hashed. */
  | {
      readonly kind: 'hash';
      readonly from: PipeMemory;
      /** Of the paths of its files. */
      readonly prefix: string;
    }
  /** The same, and they are written. */
  | {
      readonly kind: 'write';
      readonly from: PipeMemory;
      /** Where the entries go. */
      readonly folder: string;
      /** Where the links of the data folder point, by oid of the tablespace. */
      readonly tablespaces: Readonly<Record<string, string>>;
    };

export type Order =
  | Work
  /** So much of what went back has been taken: more may. */
  | { readonly kind: 'taken'; readonly bytes: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'end' };

export interface FoundFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export type Answer =
  /** Used up, and handed back; so many more may come. */
  | {
      readonly kind: 'used';
      readonly bytes: Uint8Array<ArrayBuffer>;
      /** Of the work at hand, so far. */
      readonly plainBytes: number;
    }
  | { readonly kind: 'result'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'done';
      readonly plainBytes: number;
      readonly files: readonly FoundFile[];
    }
  | {
      readonly kind: 'failed';
      readonly code: ErrorCode | null;
      readonly expected: string;
      readonly found: string;
      readonly hint: string;
    };
