import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../../model/errors.ts';
import { inert, sourceFile } from '../../../testing/source-files.ts';
import { readCsv } from './csv.ts';

const FORM = { encoding: 'utf-8', delimiter: null } as const;

function read(content: string | Buffer, form: Partial<Parameters<typeof readCsv>[1]> = {}) {
  return readCsv(sourceFile('payments', content), { ...FORM, ...form });
}

describe('payments as CSV', () => {
  it('names each record by its number and its place in the bytes', () => {
    const text = 'id,name\n1,"Zoë, of\nBonn"\n\n2,Ada\n';
    const { records, unread } = read(text);
    expect(unread).toEqual([]);
    expect(records.map(({ fields }) => Object.fromEntries(fields))).toEqual([
      { id: '1', name: 'Zoë, of\nBonn' },
      { id: '2', name: 'Ada' },
    ]);
    const places = records.map(({ by }) => [by.record, by.offset]);
    expect(places[0]).toEqual([1, Buffer.byteLength('id,name\n')]);
    const second = Buffer.from(text).subarray(places[1]?.[1]).toString();
    expect(second.trim()).toBe('2,Ada');
  });

  it.each([
    ['a mark of the byte order', '\ufeffid,n\n1,2\n'],
    ['semicolons', 'id;n\n1;2\n'],
    ['tabs', 'id\tn\n1\t2\n'],
    ['lines of Windows', 'id,n\r\n1,2\r\n'],
    ['no line feed at the end', 'id,n\n1,2'],
  ])('reads %s', (_story, text) => {
    expect(read(text).records.map(({ fields }) => Object.fromEntries(fields))).toEqual([
      { id: '1', n: '2' },
    ]);
  });

  it('keeps a formula as the text it is', () => {
    const { records } = read('id,note\n1,"=HYPERLINK(""http://evil"",""x"")"\n2,@SUM(1)\n3,+1\n');
    expect(records.map(({ fields }) => fields.get('note'))).toEqual([
      '=HYPERLINK("http://evil","x")',
      '@SUM(1)',
      '+1',
    ]);
  });

  it('shows nothing of it that could move a cursor or turn letters round', () => {
    const { records } = read('id,note\n1,\u001b[2J\u202eevil\u0000\n');
    expect(inert(records[0]?.by.snippet)).toBe(true);
    expect(records[0]?.by.snippet).toContain('\\u{1b}[2J\\u{202e}evil');
    expect(records[0]?.fields.get('note')).toBe('\u001b[2J\u202eevil\u0000');
  });

  it('mends no line that does not fit, and loses none', () => {
    const { records, unread } = read('id,n\n1,2\n3\n4,5,6\n7,"8\n9,10\n');
    expect(records.map(({ fields }) => fields.get('id'))).toEqual(['1']);
    expect(unread.map(({ why, text }) => [why.slice(0, 8), text.trim()])).toEqual([
      ['1 fields', '3'],
      ['3 fields', '4,5,6'],
      ['a quote ', '7,"8\n9,10'],
    ]);
  });

  it('takes nothing behind a quote that stands wrong for a record', () => {
    const { records, unread } = read('id,n\n1,2\nx"y,BK-7\n"9","pay"\n10,11\n');
    expect(records.map(({ fields }) => fields.get('id'))).toEqual(['1']);
    expect(unread.map(({ text }) => text)).toEqual(['x"y,BK-7\n"9","pay"\n10,11\n']);
    expect(unread[0]?.by.offset).toBe('id,n\n1,2\n'.length);
  });

  it('has no field that objects are made of', () => {
    const { records } = read('__proto__,constructor\n1,2\n');
    expect(records[0]?.fields.get('__proto__')).toBe('1');
    expect(records[0]?.fields.get('toString')).toBeUndefined();
  });

  it.each<readonly [story: string, content: string | Buffer, says: RegExp]>([
    [
      'a field that is larger than a record',
      `id,n\n1,"${'x'.repeat(300_000)}"\n`,
      /at most 262144 bytes/,
    ],
    ['more records than are read', `id\n${'1\n'.repeat(100_001)}`, /at most 100000 records/],
    [
      'more fields than a table has',
      `${Array.from({ length: 501 }, (_, at) => `f${at}`).join(',')}\n`,
      /501/,
    ],
    ['a name twice', 'id,id\n1,2\n', /twice/],
    ['nothing', '', /found none/],
    ['bytes that are no text', Buffer.from([0x69, 0x64, 0x0a, 0xff, 0x0a]), /bytes that are none/],
  ])('refuses a file with %s whole', (_story, content, says) => {
    expect(() => read(content)).toThrow(HoldfastError);
    expect(() => read(content)).toThrow(says);
  });

  it('reads other encodings where the mapping says so', () => {
    const latin = Buffer.from('id,n\n1,Zoë\n', 'latin1');
    expect(read(latin, { encoding: 'windows-1252' }).records[0]?.fields.get('n')).toBe('Zoë');
    const wide = Buffer.from('\ufeffid,n\n1,Zoë\n', 'utf16le');
    expect(read(wide, { encoding: 'utf-16le' }).records[0]?.fields.get('n')).toBe('Zoë');
  });
});
