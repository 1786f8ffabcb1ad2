/**
 * A proposal that comes back from wherever it was kept, and a choice that comes from a page: looked at
 * field by field, with nothing in it that is not known. Its digest is the same before and after.
 */
import { z } from 'zod';
import { HoldfastError } from '../../model/errors.ts';
import { REBUILD_WHY_CHARS_MAX, REBUILD_WHY_CHARS_MIN } from '../../model/limits.ts';
import type { Steps } from '../../model/steps.ts';
import { JsonPieces } from './json-pieces.ts';
import {
  CELL_STATES,
  type Choice,
  PROPOSAL_FORMAT,
  type Proposal,
  REASON_CODES,
  ROW_STATES,
} from './proposal.ts';
import { SOURCE_KINDS } from './source-record.ts';
import { VALUE_KINDS } from './values/reading.ts';

const text = z.string();
const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const kind = z.enum(SOURCE_KINDS);

const value = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(['text', 'currency', 'uuid']), text }),
  z.strictObject({ kind: z.literal('integer'), digits: z.string().regex(/^-?\d{1,18}$/) }),
  z.strictObject({ kind: z.literal('boolean'), is: z.boolean() }),
  z.strictObject({
    kind: z.literal('money'),
    minor: z.string().regex(/^-?\d{1,30}$/),
    currency: z.string().regex(/^[A-Z]{3}$/),
  }),
  z.strictObject({ kind: z.literal('moment'), at: text }),
  z.strictObject({ kind: z.literal('date'), date: text }),
]);

const by = z.array(count).readonly();
const option = z.strictObject({
  value: value.nullable(),
  unread: text.nullable(),
  kind,
  isSuggested: z.boolean(),
  by,
});
const cell = z.strictObject({
  column: text,
  state: z.enum(CELL_STATES),
  value: value.nullable(),
  options: z.array(option).readonly(),
});
const reason = z.strictObject({
  code: z.enum(REASON_CODES),
  says: text,
  blocks: z.enum(['conflict', 'incomplete']),
  by,
  accepted: text.nullable(),
});
const row = z.strictObject({
  key: text,
  generated: text.nullable(),
  state: z.enum(ROW_STATES),
  cells: z.array(cell).readonly(),
  reasons: z.array(reason).readonly(),
  leftOut: text.nullable(),
  existing: z
    .array(z.strictObject({ column: text, value: value.nullable(), differs: z.boolean() }))
    .readonly()
    .nullable(),
});

/** What a person gives as the reason, in one line. */
const why = z
  .string()
  .trim()
  .min(REBUILD_WHY_CHARS_MIN)
  .max(REBUILD_WHY_CHARS_MAX)
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u, 'one line, without characters that do not show')
  .optional();

export const CHOICE = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('option'), column: text, option: count, why }),
  z.strictObject({ kind: z.literal('typed'), column: text, text: z.string().max(10_000) }),
  z.strictObject({ kind: z.literal('nothing'), column: text, why }),
  z.strictObject({ kind: z.literal('accept'), reason: z.enum(REASON_CODES), why }),
  z.strictObject({ kind: z.literal('leave-out') }),
  z.strictObject({ kind: z.literal('keep') }),
]);

const numbered = z.strictObject({ record: count, why: text });
/** What a proposal has many of: each element by itself, so that they are looked at one after the other. */
const ELEMENTS = {
  sources: z.strictObject({
    source: text,
    kind,
    file: text,
    sha256: z.union([sha256, z.literal('')]),
    bytes: count,
    records: count,
    unread: count,
    ignored: count,
  }),
  columns: z.strictObject({
    name: text,
    kind: z.enum(VALUE_KINDS),
    stored: z.enum(['minor', 'major']),
    isRequired: z.boolean(),
    isCaseless: z.boolean(),
    lines: z.enum(['one', 'many']),
    role: z.enum(['key', 'generated', 'plain']),
  }),
  records: z.strictObject({
    source: text,
    kind,
    file: text,
    sha256,
    record: count,
    offset: count,
    snippet: text,
  }),
  rows: row,
  unreadable: numbered,
  loose: numbered,
  reviews: z.strictObject({ row: text, choice: CHOICE, by: text, name: text, at: text }),
} as const;
const WHOLE = {
  format: z.literal(PROPOSAL_FORMAT),
  target: text,
  schema: text,
  table: text,
  mappingSha256: sha256,
} as const;
const PROPOSAL = z.strictObject({
  ...WHOLE,
  sources: z.array(ELEMENTS.sources).readonly(),
  columns: z.array(ELEMENTS.columns).readonly(),
  records: z.array(ELEMENTS.records).readonly(),
  rows: z.array(ELEMENTS.rows).readonly(),
  unreadable: z.array(ELEMENTS.unreadable).readonly(),
  loose: z.array(ELEMENTS.loose).readonly(),
  reviews: z.array(ELEMENTS.reviews).readonly(),
});
const A_PROPOSAL = 'a proposal as this version of Holdfast writes it';
/** Of the text, between two steps: what looks at it takes a few milliseconds. */
const STEP_BYTES = 32 * 1024;

/** Throws HF_REBUILD_STATE, naming the first place that is not as it should be. */
export function parseProposal(kept: unknown): Proposal {
  return parsed(PROPOSAL, kept, A_PROPOSAL);
}

/**
 * As `parseProposal`, of its canonical JSON (which it is kept as), an element of a list after the other: whole,
 * a proposal takes seconds. Throws what `parseProposal` throws.
 */
export function* proposalSteps(kept: Buffer): Steps<Proposal> {
  const text = new JsonPieces(kept);
  const whole = new Map<string, unknown>();
  const sources = listOf(ELEMENTS.sources);
  const columns = listOf(ELEMENTS.columns);
  const records = listOf(ELEMENTS.records);
  const rows = listOf(ELEMENTS.rows);
  const unreadable = listOf(ELEMENTS.unreadable);
  const loose = listOf(ELEMENTS.loose);
  const reviews = listOf(ELEMENTS.reviews);
  const lists = new Map(
    Object.entries({ sources, columns, records, rows, unreadable, loose, reviews }),
  );
  let steppedAt = 0;
  for (const piece of text.members()) {
    const { kind, name } = piece;
    const list = lists.get(name);
    if (kind === 'value') whole.set(name, piece.value);
    else if (list === undefined) throw notOurs(name);
    else if (kind === 'list') list.begin();
    else list.add(piece.value, `${name}.${piece.at}`);
    if (text.place - steppedAt < STEP_BYTES) continue;
    steppedAt = text.place;
    yield;
  }
  return {
    ...parsed(z.strictObject(WHOLE), Object.fromEntries(whole), A_PROPOSAL),
    sources: sources.all('sources'),
    columns: columns.all('columns'),
    records: records.all('records'),
    rows: rows.all('rows'),
    unreadable: unreadable.all('unreadable'),
    loose: loose.all('loose'),
    reviews: reviews.all('reviews'),
  };
}

/** One that never began is missing. */
function listOf<T>(shape: z.ZodType<T>) {
  let list: T[] | null = null;
  return {
    begin: (): void => {
      list = [];
    },
    add: (value: unknown, path: string): void => {
      list?.push(parsed(shape, value, A_PROPOSAL, path));
    },
    all: (name: string): readonly T[] => {
      if (list === null) throw notOurs(name);
      return list;
    },
  };
}

export function parseChoice(sent: unknown): Choice {
  return parsed(CHOICE, sent, 'a choice: option, typed, nothing, accept, leave-out or keep');
}

function parsed<T>(shape: z.ZodType<T>, given: unknown, expected: string, path = ''): T {
  const result = shape.safeParse(given);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const below = issue?.path.map(String).join('.') ?? '';
  throw notOurs([path, below].filter((part) => part !== '').join('.'), expected);
}

function notOurs(place: string, expected = A_PROPOSAL): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected,
    found: `something else at ${place === '' ? 'its start' : place.slice(0, 200)}`,
    hint: 'Propose again.',
  });
}
