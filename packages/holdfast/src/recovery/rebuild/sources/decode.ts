/**
 * Bytes of a file into text: UTF-8 unless the mapping says otherwise, and nothing replaced silently: a
 * byte that is none of the encoding is a reason not to read the file.
 */
import { HoldfastError } from '../../../model/errors.ts';
import type { SourceFile } from '../source-record.ts';

export const ENCODINGS = ['utf-8', 'windows-1252', 'utf-16le'] as const;
export type Encoding = (typeof ENCODINGS)[number];

export function decoded(file: SourceFile, encoding: Encoding): string {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(file.bytes);
  } catch {
    throw unreadable(
      file,
      `text in ${encoding}`,
      'bytes that are none',
      'Say `encoding` in the mapping.',
    );
  }
}

export function unreadable(
  { file, source }: Pick<SourceFile, 'file' | 'source'>,
  expected: string,
  found: string,
  hint: string,
): HoldfastError {
  const name = JSON.stringify(file.slice(0, 200));
  return new HoldfastError('HF_REBUILD_SOURCE', {
    expected: `${expected} in ${name}, of source ${source}`,
    found,
    hint,
  });
}
