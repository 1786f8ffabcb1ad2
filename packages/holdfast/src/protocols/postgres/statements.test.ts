import { describe, expect, it } from 'vitest';
import type { SqlReading } from '../../languages/sql/sql-reading.ts';
import { type NameChange, PreparedStatements } from './statements.ts';

function prepared(name: string, text: string): NameChange {
  const reading: SqlReading = { kind: 'understood', effects: [], session: [], statements: 1 };
  const bytes = Buffer.from(text);
  return { name, to: { reading, text: bytes, exact: bytes }, sure: true };
}

function texts(statements: PreparedStatements, name: string): string[] {
  return statements.candidates(name, []).map(({ text }) => text.toString());
}

describe('what a prepared name may mean', () => {
  it('knows nothing of a name that was never prepared', () => {
    expect(texts(new PreparedStatements(), 'p')).toEqual([]);
  });

  it('keeps the older meaning until the newer one is confirmed', () => {
    const statements = new PreparedStatements();
    const first = prepared('', 'DELETE FROM t');
    statements.change(first);
    statements.confirm([first]);
    const second = prepared('', 'SELECT 1');
    statements.change(second);
    expect(texts(statements, '')).toEqual(['DELETE FROM t', 'SELECT 1']);
    statements.confirm([second]);
    expect(texts(statements, '')).toEqual(['SELECT 1']);
  });

  it('keeps a Parse that the server may have skipped beside the one before it', () => {
    const statements = new PreparedStatements();
    const first = prepared('', 'DELETE FROM t');
    statements.change(first);
    statements.confirm([first]);
    statements.change(prepared('', 'SELECT 1')); // its cycle failed: never confirmed
    const third = prepared('', 'SELECT 2');
    statements.change(third);
    expect(texts(statements, '')).toEqual(['DELETE FROM t', 'SELECT 1', 'SELECT 2']);
    statements.confirm([third]);
    expect(texts(statements, '')).toEqual(['SELECT 2']);
  });

  it('forgets a name when its closing is confirmed, not before', () => {
    const statements = new PreparedStatements();
    const made = prepared('p', 'DELETE FROM t');
    const closed: NameChange = { name: 'p', to: null, sure: true };
    statements.change(made);
    statements.confirm([made]);
    statements.change(closed);
    expect(texts(statements, 'p')).toEqual(['DELETE FROM t']);
    statements.confirm([closed]);
    expect(texts(statements, 'p')).toEqual([]);
    expect(statements.names()).toEqual([]);
  });

  it('knows a name it gave up again when the newest meaning is confirmed', () => {
    const statements = new PreparedStatements();
    for (let i = 0; i < 100; i++) statements.change(prepared('', `SELECT ${i}`));
    const last = prepared('', 'SELECT 100');
    statements.change(last);
    expect(texts(statements, '')).toEqual([]);
    statements.confirm([last]);
    expect(texts(statements, '')).toEqual(['SELECT 100']);
  });

  it('says nothing of a name it gave up because one more meaning is possible', () => {
    const statements = new PreparedStatements();
    for (let i = 0; i < 100; i++) statements.change(prepared('p', `DELETE FROM t${i}`));
    const perhaps = { ...prepared('p', 'SELECT 1'), sure: false };
    expect(statements.candidates('p', [perhaps])).toEqual([]);
    expect(statements.candidates('p', [prepared('p', 'SELECT 2')])).toHaveLength(1);
  });

  it('keeps a bounded number of names, however they are made', () => {
    const statements = new PreparedStatements();
    for (let i = 0; i < 10_100; i++) statements.change(prepared(`p${i}`, 'SELECT 1'));
    expect(statements.names()).toHaveLength(10_000);
    expect(texts(statements, 'p10050')).toEqual([]);
  });

  it('gives a name up that gathers too many meanings: nobody runs it any more', () => {
    const statements = new PreparedStatements();
    for (let i = 0; i < 100; i++) statements.change(prepared('p', `SELECT ${i}`));
    expect(texts(statements, 'p')).toEqual([]);
  });
});
