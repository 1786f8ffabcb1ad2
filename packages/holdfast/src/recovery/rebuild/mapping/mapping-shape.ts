/** The shape of a mapping in YAML; each schema's error text is what was expected, as in config/shape.ts. */
import { z } from 'zod';
import { durationMs } from '../../../config/duration.ts';
import { keys, text, words } from '../../../config/shape.ts';
import { ENCODINGS } from '../sources/decode.ts';
import { MOMENT_FORMATS } from '../values/moment.ts';
import { VALUE_KINDS } from '../values/reading.ts';

const WEEK_MS = 7 * 24 * 60 * 60 * 1000;

const columnName = text('the name of a column', /^[^\0]{1,63}$/);
const fieldName = text('the name of a field, such as amount or metadata.booking', /^[^\0]{1,200}$/);
const idName = text('a name for an id, such as booking', /^[a-z][a-z0-9_-]{0,62}$/);
const sourceName = text('a name of lower-case letters, digits, - and _', /^[a-z][a-z0-9_-]{0,62}$/);
const currencyCode = text('a currency as in ISO 4217, such as EUR', /^[A-Z]{3}$/);
const zone = text('a zone of the IANA database, such as Europe/Berlin');
const literal = z.union(
  [z.string().max(1_000), z.number(), z.boolean()],
  'a text, a number, true or false',
);

const extract = {
  field: fieldName,
  after: text('the label that stands in front, such as `Total:`', /^.{1,100}$/).optional(),
  word: text('how the word begins, such as BK-', /^[A-Za-z0-9_-]{1,40}$/).optional(),
};
const money = {
  unit: words(['minor', 'major']).optional(),
  decimal: words(['.', ',', 'either']).default('either'),
  currency: z
    .union([keys({ field: fieldName }), keys({ is: currencyCode })], '{field: NAME} or {is: EUR}')
    .optional(),
};
const moment = { format: words(MOMENT_FORMATS).default('iso'), zone: zone.optional() };

const ids = z.record(idName, keys(extract), 'ids by name, each {field: NAME}');
const condition = z.record(
  fieldName,
  z.array(z.coerce.string('a text'), 'a list of texts').min(1, 'at least one text'),
  'fields, each with a list of the texts that count',
);
const meaning = z.union(
  [words(['ask', 'leave-out']), keys({ set: z.record(columnName, literal, 'columns and values') })],
  'ask, leave-out, or {set: {COLUMN: VALUE}}',
);
const partial = z.union(
  [words(['ask']), keys({ set: z.record(columnName, literal, 'columns and values') })],
  'ask, or {set: {COLUMN: VALUE}}',
);

const refund = keys({
  when: z.union([words(['negative']), condition], 'negative, or {FIELD: [TEXT, ...]}'),
  ids: ids.default({}),
  amount: keys({ ...extract, ...money }),
  against: columnName,
  into: columnName.optional(),
  full: meaning.default('ask'),
  partial: partial.default('ask'),
});

const source = keys({
  kind: words(['payments', 'calendar', 'mail']),
  encoding: words(ENCODINGS).default('utf-8'),
  delimiter: text('one sign', /^.$|^\t$/).optional(),
  list: fieldName.optional(),
  where: condition.default({}),
  ids: ids.default({}),
  record: keys(extract).optional(),
  email: keys(extract).optional(),
  at: keys({ ...extract, ...moment }).optional(),
  refund: refund.optional(),
});

const column = keys({
  is: words(VALUE_KINDS),
  required: z.boolean('true or false').default(false),
  stored: words(['minor', 'major']).default('minor'),
  combine: words(['same', 'sum']).default('same'),
  whenDifferent: words(['conflict', 'heavier']).default('conflict'),
  currency: z
    .union(
      [currencyCode, keys({ column: columnName })],
      'a currency such as EUR, or {column: NAME}',
    )
    .optional(),
  caseless: z.boolean('true or false').default(false),
  lines: words(['one', 'many']).default('one'),
  from: z
    .record(sourceName, keys({ ...extract, ...money, ...moment }), 'sources by name')
    .default({}),
  constant: literal.optional(),
});

const duration = text('a duration such as 30m or 48h, at most 7d')
  .transform((value) => durationMs(value) ?? Number.NaN)
  .refine((ms) => ms > 0 && ms <= WEEK_MS, 'a duration such as 30m or 48h, at most 7d');

export const MAPPING_SHAPE = keys({
  format: words(['holdfast/mapping/1']),
  table: text('a table as schema.name', /^[^.\0]{1,63}\.[^.\0]{1,63}$/),
  key: keys({
    column: columnName,
    is: words(['text', 'integer', 'uuid']).default('text'),
    id: idName,
    generate: columnName.optional(),
  }),
  sources: z
    .record(sourceName, source, 'sources by name')
    .refine((all) => Object.keys(all).length <= 50, 'at most 50 sources')
    .default({}),
  suggest: keys({ within: duration }).optional(),
  columns: z
    .record(columnName, column, 'columns by name')
    .refine((all) => Object.keys(all).length <= 500, 'at most 500 columns'),
});

export type ShapedMapping = z.infer<typeof MAPPING_SHAPE>;
