/** From a place in a file to a provenance with its snippet. */
import { REBUILD_SNIPPET_CHARS_MAX } from '../../../model/limits.ts';
import { cut, storable, visible } from '../../../model/text.ts';
import type { Provenance, SourceFile, UnreadRecord } from '../source-record.ts';

export interface Place {
  readonly record: number;
  readonly offset: number;
  readonly text: string;
}

export function provenanceOf(file: SourceFile, { record, offset, text }: Place): Provenance {
  const { source, kind, sha256 } = file;
  return { source, kind, file: file.file, sha256, record, offset, snippet: snippetOf(text) };
}

export function unreadAt(file: SourceFile, place: Place, why: string): UnreadRecord {
  return { by: provenanceOf(file, place), why, text: place.text };
}

/** The start of it, on as many lines as it has; control and direction characters are shown by number. */
export function snippetOf(text: string): string {
  const start = storable(cut(text, REBUILD_SNIPPET_CHARS_MAX));
  const more = start.length < text.length ? '…' : '';
  return cut(visible(start.replaceAll('\r\n', '\n')), REBUILD_SNIPPET_CHARS_MAX * 2) + more;
}
