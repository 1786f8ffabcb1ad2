/** Source files of a rebuild out of a text, for tests. */
import { createHash } from 'node:crypto';
import type { SourceFile, SourceKind } from '../recovery/rebuild/source-record.ts';

export function sourceFile(
  kind: SourceKind,
  content: string | Buffer,
  name = `file of ${kind}`,
): SourceFile {
  const bytes = Buffer.from(content);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { source: kind, kind, file: name, sha256, bytes };
}

/** An event, or several lines of one, in a calendar of its own. */
export function calendar(...events: readonly (readonly string[])[]): string {
  const lines = events.flatMap((event) => ['BEGIN:VEVENT', ...event, 'END:VEVENT']);
  return ['BEGIN:VCALENDAR', 'VERSION:2.0', ...lines, 'END:VCALENDAR', ''].join('\r\n');
}

export function mail(headers: readonly string[], body: string): string {
  return [...headers, '', body, ''].join('\r\n');
}

/** No character in it that moves a cursor, hides, or turns letters round. */
export function inert(text: string | undefined): boolean {
  return text !== undefined && !/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text);
}
