/** What the shape of a mapping cannot see: names that lead nowhere, and money without its currency. */
import type { Finding } from '../../../config/finding.ts';
import type { YamlPath, YamlText } from '../../../config/yaml-text.ts';
import { nearest } from '../../../model/nearest.ts';
import { isZone } from '../values/moment.ts';
import { exponentOf } from '../values/money.ts';
import type { ShapedMapping } from './mapping-shape.ts';

type ShapedColumn = ShapedMapping['columns'][string];
type ShapedSource = ShapedMapping['sources'][string];

interface Fault {
  readonly path: YamlPath;
  readonly expected: string;
  readonly found: string;
  readonly hint: string;
}

/** Reserved for the rows that Holdfast captured itself. */
const CAPTURED = 'captured';

export function mappingFindings(yaml: YamlText, shaped: ShapedMapping): Finding[] {
  const faults = [...keyFaults(shaped), ...sourceFaults(shaped), ...columnFaults(shaped)];
  return faults.map(({ path, ...fault }) => ({
    ...yaml.place(path, 'value'),
    path: path.join('.'),
    ...fault,
  }));
}

function* keyFaults({ columns, key, sources }: ShapedMapping): Iterable<Fault> {
  const given = new Set(Object.values(sources).flatMap((one) => Object.keys(one.ids)));
  if (Object.keys(sources).length > 0 && !given.has(key.id)) {
    yield {
      path: ['key', 'id'],
      expected: 'an id that at least one source gives',
      found: JSON.stringify(key.id),
      hint: near(key.id, [...given], 'Say in `ids` of a source where it stands.'),
    };
  }
  for (const name of [key.column, key.generate].filter((one) => one !== undefined)) {
    if (Object.hasOwn(columns, name)) {
      yield {
        path: ['columns', name],
        expected: 'the key not to be told twice',
        found: 'a column that `key` fills',
        hint: 'Remove it here.',
      };
    }
  }
}

function* sourceFaults({ columns, sources }: ShapedMapping): Iterable<Fault> {
  for (const [name, source] of Object.entries(sources)) {
    const path: YamlPath = ['sources', name];
    if (name === CAPTURED) {
      yield {
        path,
        expected: 'another name',
        found: CAPTURED,
        hint: 'Captured rows need no source: they are rows already.',
      };
    }
    yield* extractFaults(path, source);
    if (source.refund !== undefined) yield* refundFaults([...path, 'refund'], source, columns);
  }
}

function* extractFaults(path: YamlPath, source: ShapedSource): Iterable<Fault> {
  const { at, email, ids, record } = source;
  const all = { ...prefixed('ids', ids), record, email, at };
  for (const [name, one] of Object.entries(all)) {
    if (one !== undefined) yield* bothFaults([...path, ...name.split('.')], one);
  }
  if (at?.zone !== undefined) yield* zoneFaults([...path, 'at', 'zone'], at.zone);
}

function* refundFaults(
  path: YamlPath,
  source: ShapedSource,
  columns: ShapedMapping['columns'],
): Iterable<Fault> {
  const { refund } = source;
  if (refund === undefined) return;
  if (source.kind !== 'payments') {
    yield {
      path,
      expected: 'refunds of payments only',
      found: `one of ${source.kind}`,
      hint: 'What a mail says of a refund moves no money: leave it to the payments.',
    };
  }
  yield* recordFaults(path, source);
  if (refund.amount.unit === undefined) yield unitFault([...path, 'amount']);
  for (const key of ['against', 'into'] as const) {
    const name = refund[key];
    if (name === undefined) continue;
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
    const isFed = key === 'into' && Object.keys(column?.from ?? {}).length > 0;
    if (column?.is !== 'money' || isFed) {
      yield {
        path: [...path, key],
        expected:
          key === 'into' ? 'a column that is money, without `from`' : 'a column that is money',
        found: JSON.stringify(name),
        hint: near(name, Object.keys(columns), 'Declare it in `columns`.'),
      };
    }
  }
  for (const key of ['full', 'partial'] as const) {
    const meaning = refund[key];
    const set = typeof meaning === 'string' ? {} : meaning.set;
    for (const name of Object.keys(set)) {
      const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
      if (column === undefined || column.is === 'money') {
        yield {
          path: [...path, key, 'set', name],
          expected: 'a column of the mapping that is not money',
          found: JSON.stringify(name),
          hint: near(name, Object.keys(columns), 'Money comes of payments, never of a mapping.'),
        };
      }
    }
  }
}

function* columnFaults({ columns, sources }: ShapedMapping): Iterable<Fault> {
  for (const [name, column] of Object.entries(columns)) {
    const path: YamlPath = ['columns', name];
    if (column.is === 'money') yield* moneyFaults(path, column, columns);
    else if (column.combine === 'sum') {
      yield {
        path: [...path, 'combine'],
        expected: '`sum` for money only',
        found: `a column that is ${column.is}`,
        hint: 'Remove it.',
      };
    }
    for (const [source, one] of Object.entries(column.from)) {
      const at: YamlPath = [...path, 'from', source];
      const known = Object.hasOwn(sources, source) ? sources[source] : undefined;
      if (known === undefined) {
        yield {
          path: at,
          expected: `one of the sources ${Object.keys(sources).join(', ')}`,
          found: JSON.stringify(source),
          hint: near(source, Object.keys(sources), 'Declare it in `sources`.'),
        };
      } else if (column.combine === 'sum' && known.kind === 'payments') {
        yield* recordFaults(['sources', source], known);
      }
      if (column.is === 'money' && one.unit === undefined) yield unitFault(at);
      if (column.is === 'date' && one.format.startsWith('epoch')) {
        yield {
          path: [...at, 'format'],
          expected: 'iso, dmy or mdy for a day',
          found: one.format,
          hint: 'A moment is a day only in a zone: map it as a moment.',
        };
      }
      if (one.zone !== undefined) yield* zoneFaults([...at, 'zone'], one.zone);
      yield* bothFaults(at, one);
    }
  }
}

function* moneyFaults(
  path: YamlPath,
  column: ShapedColumn,
  columns: ShapedMapping['columns'],
): Iterable<Fault> {
  const { constant, currency } = column;
  if (constant !== undefined) {
    yield {
      path: [...path, 'constant'],
      expected: 'no constant for money',
      found: 'one',
      hint: 'Money is never invented: it comes of a record, or a person is asked.',
    };
  }
  const other = typeof currency === 'object' ? currency.column : null;
  const isKnown =
    other === null
      ? typeof currency === 'string' && exponentOf(currency) !== null
      : Object.hasOwn(columns, other) && columns[other]?.is === 'currency';
  if (!isKnown) {
    yield {
      path: [...path, ...(currency === undefined ? [] : ['currency'])],
      expected:
        'the currency of the amounts: one such as EUR, or {column: NAME} that is a currency',
      found: currency === undefined ? 'none' : JSON.stringify(other ?? currency),
      hint: 'Add `currency`.',
    };
  }
}

function* recordFaults(path: YamlPath, source: ShapedSource): Iterable<Fault> {
  if (source.record !== undefined) return;
  yield {
    path,
    expected: '`record`, the id of a payment, where payments are added up or given back',
    found: 'none',
    hint: 'Without it nobody can tell a payment that was exported twice from two payments.',
  };
}

function unitFault(path: YamlPath): Fault {
  return {
    path,
    expected: '`unit`: minor (8050) or major (80.50)',
    found: 'none',
    hint: 'Look into the file; a guess would be wrong by a hundred.',
  };
}

function* zoneFaults(path: YamlPath, zone: string): Iterable<Fault> {
  if (isZone(zone)) return;
  yield {
    path,
    expected: 'a zone of the IANA database',
    found: JSON.stringify(zone.slice(0, 64)),
    hint: 'Such as Europe/Berlin.',
  };
}

function* bothFaults(
  path: YamlPath,
  { after, word }: { readonly after?: string | undefined; readonly word?: string | undefined },
): Iterable<Fault> {
  if (after === undefined || word === undefined) return;
  yield {
    path,
    expected: '`after` or `word`',
    found: 'both',
    hint: 'Remove one.',
  };
}

function prefixed<T>(above: string, all: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [`${above}.${name}`, one]));
}

function near(name: string, known: readonly string[], otherwise: string): string {
  const found = known.includes(name) ? null : nearest(name, known);
  return found === null ? otherwise : `Did you mean \`${found}\`?`;
}
