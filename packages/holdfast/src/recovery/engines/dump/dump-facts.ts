/** What is said beside a dump, encrypted: what a restore has to know, and what it holds. */
import { z } from 'zod';
import { HoldfastError } from '../../../model/errors.ts';
import { jsonOf } from '../../../model/json.ts';

const SHAPE = z.object({
  format: z.literal('holdfast/dump/1'),
  database: z.string(),
  encoding: z.string(),
  /** For a new cluster; null: C. */
  collate: z.string().nullable(),
  ctype: z.string().nullable(),
  /** One that could do everything there. */
  superuser: z.string(),
  /** Major version of pg_dump. */
  client: z.int(),
  extensions: z.array(z.object({ name: z.string(), version: z.string() })),
  /** Sentences. */
  notCarried: z.array(z.string()),
  /** As `pg_restore --list` says them. */
  contents: z.string(),
});
export type DumpContents = Readonly<z.output<typeof SHAPE>>;

/** Throws HF_RECOVERY_DAMAGED. */
export function readDumpContents(text: string, of: string): DumpContents {
  const read = SHAPE.safeParse(jsonOf(text));
  if (read.success) return read.data;
  throw new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected: `what is said beside a dump, at ${of}`,
    found: z.prettifyError(read.error),
    hint: 'Take another recovery point.',
  });
}

/** Its lines but for those that tell when and by whom it was written. */
export function entriesOf(contents: string): readonly string[] {
  return contents.split('\n').filter((line) => line !== '' && !line.startsWith(';'));
}
