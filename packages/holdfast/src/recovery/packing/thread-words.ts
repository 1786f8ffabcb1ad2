/** What is said between the main thread and the thread that packs and unpacks. */
import type { ErrorCode } from '../../model/errors.ts';

/** One file at a time. */
export type Order =
  /** A tar stream or plain bytes come; packed bytes go back. `prefix`: of the paths of a tar's files. */
  | {
      readonly kind: 'pack';
      readonly recipients: readonly string[];
      readonly tar: { readonly prefix: string } | null;
    }
  /** Packed bytes of a tar stream come; its files are written. */
  | {
      readonly kind: 'unpack';
      readonly identities: readonly string[];
      readonly of: string;
      readonly prefix: string;
      /** Where the entries go. */
      readonly folder: string;
      /** Where the links of the data folder point, by oid of the tablespace. */
      readonly tablespaces: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'end' };

export interface FoundFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

export type Answer =
  /** Used up, and handed back; so many more may come. */
  | { readonly kind: 'used'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'packed'; readonly bytes: Uint8Array }
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
