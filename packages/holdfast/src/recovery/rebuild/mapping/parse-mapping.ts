/** Reads a mapping, or throws HF_REBUILD_MAPPING with every error in it. */
import { createHash } from 'node:crypto';
import { errorOf, type Finding } from '../../../config/finding.ts';
import { shapeFindings } from '../../../config/shape-findings.ts';
import { readYaml, type YamlText } from '../../../config/yaml-text.ts';
import { readMoment } from '../values/moment.ts';
import type { Value } from '../values/reading.ts';
import { readPlain } from '../values/value.ts';
import type {
  ColumnMapping,
  Condition,
  Extract,
  Mapping,
  MoneyExtract,
  RefundMapping,
  RefundMeaning,
  SourceMapping,
} from './mapping.ts';
import { mappingFindings } from './mapping-findings.ts';
import { MAPPING_SHAPE, type ShapedMapping } from './mapping-shape.ts';

const PAGE = 'See docs/recovery-rebuild.md.';

/** `name` is what errors call the file. */
export function parseMapping(source: string, name: string): Mapping {
  const yaml = readYaml(source);
  if (yaml.findings.length > 0) throw errorOf('HF_REBUILD_MAPPING', name, yaml.findings);
  const shaped = MAPPING_SHAPE.safeParse(yaml.value ?? {}, { reportInput: true });
  if (!shaped.success) {
    const findings = shapeFindings(yaml, shaped.error.issues).map(ours);
    throw errorOf('HF_REBUILD_MAPPING', name, findings);
  }
  const findings = mappingFindings(yaml, shaped.data);
  const columns = columnsOf(yaml, shaped.data, findings);
  const sources = sourcesOf(yaml, shaped.data, columns, findings);
  if (findings.length > 0) throw errorOf('HF_REBUILD_MAPPING', name, findings);
  const [schema = '', table = ''] = shaped.data.table.split('.');
  const { column, generate = null, id, is } = shaped.data.key;
  return {
    sha256: createHash('sha256').update(source).digest('hex'),
    schema,
    table,
    key: { column, kind: is, id, generate },
    sources: new Map(sources.map((one) => [one.name, one])),
    columns,
    suggestWithinMs: shaped.data.suggest?.within ?? null,
  };
}

function ours(finding: Finding): Finding {
  return finding.hint.includes('holdfast.example.yaml') ? { ...finding, hint: PAGE } : finding;
}

function columnsOf(yaml: YamlText, shaped: ShapedMapping, findings: Finding[]): ColumnMapping[] {
  return Object.entries(shaped.columns).map(([name, one]) => {
    const column: ColumnMapping = {
      name,
      kind: one.is,
      isRequired: one.required,
      stored: one.stored,
      combine: one.combine,
      whenDifferent: one.whenDifferent,
      currency: typeof one.currency === 'string' ? { is: one.currency } : (one.currency ?? null),
      isCaseless: one.caseless,
      lines: one.lines,
      from: new Map(
        Object.entries(one.from).map(([source, from]) => [
          source,
          {
            ...extractOf(from),
            money: one.is === 'money' ? moneyOf(from) : null,
            format: from.format,
            dayFormat: from.format === 'dmy' || from.format === 'mdy' ? from.format : 'iso',
            zone: from.zone ?? null,
          },
        ]),
      ),
      constant: null,
    };
    if (one.constant === undefined || one.is === 'money') return column;
    const path = ['columns', name, 'constant'];
    return { ...column, constant: constantOf(yaml, path, column, one.constant, findings) };
  });
}

function constantOf(
  yaml: YamlText,
  path: readonly string[],
  column: ColumnMapping,
  literal: string | number | boolean,
  findings: Finding[],
): Value | null {
  const text = String(literal);
  const reading =
    column.kind === 'moment'
      ? readMoment(text, { format: 'iso', zone: null })
      : readPlain(text, column);
  if (reading.kind === 'value') return reading.value;
  findings.push({
    ...yaml.place(path, 'value'),
    path: path.join('.'),
    expected: `a value that is ${column.kind}`,
    found: reading.why,
    hint: 'Correct it, or remove it.',
  });
  return null;
}

function sourcesOf(
  yaml: YamlText,
  shaped: ShapedMapping,
  columns: readonly ColumnMapping[],
  findings: Finding[],
): SourceMapping[] {
  return Object.entries(shaped.sources).map(([name, one]) => ({
    name,
    kind: one.kind,
    encoding: one.encoding,
    delimiter: one.delimiter ?? null,
    list: one.list ?? null,
    where: conditionOf(one.where),
    ids: idsOf(one.ids),
    record: one.record === undefined ? null : extractOf(one.record),
    email: one.email === undefined ? null : extractOf(one.email),
    at:
      one.at === undefined
        ? null
        : { ...extractOf(one.at), format: one.at.format, zone: one.at.zone ?? null },
    refund: one.refund === undefined ? null : refundOf(yaml, name, one.refund, columns, findings),
  }));
}

function refundOf(
  yaml: YamlText,
  source: string,
  one: NonNullable<ShapedMapping['sources'][string]['refund']>,
  columns: readonly ColumnMapping[],
  findings: Finding[],
): RefundMapping {
  const meaning = (key: 'full' | 'partial'): RefundMeaning => {
    const said = one[key];
    if (typeof said === 'string') return { kind: said };
    const values = new Map<string, Value>();
    for (const [name, literal] of Object.entries(said.set)) {
      const column = columns.find((known) => known.name === name);
      if (column === undefined || column.kind === 'money') continue;
      const path = ['sources', source, 'refund', key, 'set', name];
      const value = constantOf(yaml, path, column, literal, findings);
      if (value !== null) values.set(name, value);
    }
    return { kind: 'set', values };
  };
  return {
    when: one.when === 'negative' ? 'negative' : conditionOf(one.when),
    ids: idsOf(one.ids),
    amount: { ...extractOf(one.amount), ...moneyOf(one.amount) },
    against: one.against,
    into: one.into ?? null,
    full: meaning('full'),
    partial: meaning('partial'),
  };
}

interface ShapedExtract {
  readonly field: string;
  readonly after?: string | undefined;
  readonly word?: string | undefined;
}

function extractOf({ field, after, word }: ShapedExtract): Extract {
  return { field, after: after ?? null, word: word ?? null };
}

function moneyOf(one: {
  readonly unit?: 'minor' | 'major' | undefined;
  readonly decimal: '.' | ',' | 'either';
  readonly currency?: MoneyExtract['currency'] | undefined;
}): Omit<MoneyExtract, keyof Extract> {
  // A money extract without a unit is a finding, so this default is never used.
  return { unit: one.unit ?? 'minor', decimal: one.decimal, currency: one.currency ?? null };
}

function idsOf(ids: Readonly<Record<string, ShapedExtract>>): ReadonlyMap<string, Extract> {
  return new Map(Object.entries(ids).map(([name, one]) => [name, extractOf(one)]));
}

function conditionOf(where: Readonly<Record<string, readonly string[]>>): Condition {
  return new Map(Object.entries(where));
}
