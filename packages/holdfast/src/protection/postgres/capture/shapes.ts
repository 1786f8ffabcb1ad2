/** The shapes captured tables have had, read from a target. */
import { HoldfastError } from '../../../model/errors.ts';
import type { Row, TargetSession } from '../../target-database.ts';
import type { ShapeColumn, TableShape } from '../../undo-item.ts';

/** All shapes, oldest first; a table's newest is what is captured now. */
export async function readShapes(session: Pick<TargetSession, 'query'>): Promise<TableShape[]> {
  const rows = await session.query(
    `select shape_id::text, table_oid::bigint::text as table_oid, schema_name::text, table_name::text,
            columns, key, whole
       from holdfast.shapes order by holdfast.shapes.shape_id`,
  );
  return rows.map(shapeOf);
}

function shapeOf(row: Row): TableShape {
  const { columns, key } = row;
  if (!Array.isArray(columns) || !Array.isArray(key)) throw unreadable('columns', columns);
  return {
    shapeId: BigInt(textOf(row, 'shape_id')),
    tableOid: Number(textOf(row, 'table_oid')),
    schema: textOf(row, 'schema_name'),
    table: textOf(row, 'table_name'),
    columns: columns.map(columnOf),
    key: key.map((attnum: unknown) => numberIn({ attnum }, 'attnum')),
    isWhole: row['whole'] === true,
  };
}

function columnOf(value: unknown): ShapeColumn {
  if (!isRow(value)) throw unreadable('columns', value);
  return {
    attnum: numberIn(value, 'attnum'),
    name: textOf(value, 'name'),
    type: textOf(value, 'type'),
    kept: textOf(value, 'kept'),
    generated: textOf(value, 'generated'),
    identity: textOf(value, 'identity'),
    notNull: value['notNull'] === true,
  };
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null;
}

function textOf(row: Row, name: string): string {
  const value = row[name];
  if (typeof value !== 'string') throw unreadable(name, value);
  return value;
}

function numberIn(row: Row, name: string): number {
  const value = row[name];
  if (typeof value !== 'number') throw unreadable(name, value);
  return value;
}

function unreadable(name: string, value: unknown): HoldfastError {
  return new HoldfastError('HF_INTERNAL', {
    expected: `holdfast.shapes to hold ${name} as written by this version`,
    found: JSON.stringify(value) ?? 'nothing',
    hint: 'Run holdfast protect TARGET --apply; it brings the schema to this version.',
  });
}
