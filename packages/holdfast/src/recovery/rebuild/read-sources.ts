/** All source files of a rebuild: kept, hashed, read by the reader of their kind; a file twice is one. */
import { basename } from 'node:path';
import { HoldfastError } from '../../model/errors.ts';
import { REBUILD_BYTES_MAX, REBUILD_RECORDS_MAX } from '../../model/limits.ts';
import { cut, storable } from '../../model/text.ts';
import type { Mapping, SourceMapping } from './mapping/mapping.ts';
import type { ReadFile, SourceFile } from './source-record.ts';
import { readCsv } from './sources/csv.ts';
import { readCalendar } from './sources/ical.ts';
import { readJson } from './sources/json.ts';
import { keepBytes, keepCopy } from './sources/kept-copy.ts';
import { readMail } from './sources/mail.ts';

export type SourceInput =
  | { readonly source: string; readonly path: string }
  /** Handed in by a browser; `file` is what it was called there. */
  | { readonly source: string; readonly file: string; readonly bytes: Buffer };

export interface ReadSource extends ReadFile {
  readonly file: SourceFile;
}

const FILES_MAX = 1_000;
const FILE_NAME_CHARS_MAX = 200;

/** `copies`: the folder where the bytes are kept. */
export async function readSources(
  inputs: readonly SourceInput[],
  mapping: Mapping,
  copies: string,
): Promise<readonly ReadSource[]> {
  if (inputs.length > FILES_MAX) throw tooMany(`at most ${FILES_MAX} files`);
  const read = new Map<string, ReadSource>();
  let records = 0;
  let bytesInAll = 0;
  for (const input of inputs) {
    const source = sourceOf(input.source, mapping);
    const isPath = 'path' in input;
    const { bytes, sha256 } = isPath
      ? await keepCopy(input.path, copies)
      : await keepBytes(input.bytes, copies);
    const name = storable(cut(isPath ? basename(input.path) : input.file, FILE_NAME_CHARS_MAX));
    const file: SourceFile = { source: source.name, kind: source.kind, file: name, sha256, bytes };
    const identity = `${source.name} ${sha256}`;
    bytesInAll += bytes.length;
    if (bytesInAll > REBUILD_BYTES_MAX) throw tooMany(`at most ${REBUILD_BYTES_MAX} bytes in all`);
    const known = read.get(identity);
    if (known !== undefined) {
      // The same bytes under two names: the first by name, so that the order does not matter.
      if (known.file.file <= name) continue;
    }
    const one = { file, ...(await readFile(file, source)) };
    read.set(identity, one);
    records += known === undefined ? one.records.length + one.unread.length : 0;
    if (records > REBUILD_RECORDS_MAX)
      throw tooMany(`at most ${REBUILD_RECORDS_MAX} records in all`);
  }
  return [...read.values()];
}

async function readFile(file: SourceFile, source: SourceMapping): Promise<ReadFile> {
  switch (source.kind) {
    case 'payments':
      return isJson(file.bytes) ? readJson(file, source) : readCsv(file, source);
    case 'calendar':
      return readCalendar(file);
    case 'mail':
      return await readMail(file);
  }
}

/** No header of a CSV begins so. */
function isJson(bytes: Buffer): boolean {
  return /^(?:\u00ef\u00bb\u00bf)?\s*[[{]/.test(bytes.toString('latin1', 0, 1_000));
}

function sourceOf(name: string, { sources }: Mapping): SourceMapping {
  const source = sources.get(name);
  if (source !== undefined) return source;
  throw new HoldfastError('HF_REBUILD_SOURCE', {
    expected: `one of the sources ${[...sources.keys()].join(', ')}`,
    found: JSON.stringify(name.slice(0, 100)),
    hint: 'Say SOURCE=FILE with a source of the mapping.',
  });
}

function tooMany(expected: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_SOURCE', {
    expected,
    found: 'more',
    hint: 'Rebuild a shorter time at once.',
  });
}
