import { describe, expect, it } from 'vitest';
import { startupMessage } from './messages.ts';
import { parseFirstPacket, type StartupParameter } from './startup.ts';
import { readStartupParameters } from './startup-parameters.ts';

const packet = (hex: string, text = ''): Buffer =>
  Buffer.concat([Buffer.from(hex.replaceAll(' ', ''), 'hex'), Buffer.from(text, 'latin1')]);

describe('the first packet', () => {
  const ROWS: readonly (readonly [story: string, body: Buffer, expected: object])[] = [
    ['SSLRequest', packet('04d2162f'), { kind: 'ssl' }],
    ['GSSENCRequest', packet('04d21630'), { kind: 'gssenc' }],
    ['SSLRequest with a tail', packet('04d2162f00'), { kind: 'malformed' }],
    ['cancel', packet('04d2162e 00000007 0a0b0c0d'), { kind: 'cancel', processId: 7 }],
    [
      'cancel with a key of 3.2',
      packet(`04d2162e 00000007 ${'ab'.repeat(32)}`),
      { kind: 'cancel' },
    ],
    ['cancel without a key', packet('04d2162e 00000007'), { kind: 'malformed' }],
    ['protocol 2', packet('00020000', 'x\0'), { kind: 'other-protocol', major: 2, minor: 0 }],
    ['noise', packet('47455420', '/ HTTP'), { kind: 'other-protocol', major: 0x4745 }],
    ['too short', packet('0003'), { kind: 'malformed' }],
    [
      'a startup as libpq writes it',
      packet('00030000', 'user\0a\0database\0main\0\0'),
      {
        kind: 'startup',
        minor: 0,
        parameters: [
          ['user', 'a'],
          ['database', 'main'],
        ],
      },
    ],
    ['3.2', packet('00030002', 'user\0a\0\0'), { kind: 'startup', minor: 2 }],
    ['an empty value', packet('00030000', 'user\0\0\0'), { parameters: [['user', '']] }],
    ['no last NUL', packet('00030000', 'user\0a\0'), { kind: 'malformed' }],
    ['a value without an end', packet('00030000', 'user\0abc'), { kind: 'malformed' }],
    ['bytes behind the end', packet('00030000', 'user\0a\0\0x'), { kind: 'malformed' }],
    ['not UTF-8', packet('00030000', 'user\0\xff\xfe\0\0'), { kind: 'malformed' }],
  ];
  it.each(ROWS)('%s', (_, body, expected) => {
    expect(parseFirstPacket(body)).toMatchObject(expected);
  });

  it('reads what we send upstream', () => {
    const sent = startupMessage([
      ['user', 'é'],
      ['database', 'd'],
    ]);
    expect(sent.readInt32BE(0)).toBe(sent.length);
    expect(parseFirstPacket(sent.subarray(4))).toMatchObject({
      parameters: [
        ['user', 'é'],
        ['database', 'd'],
      ],
    });
  });
});

const PINNED = { client_encoding: 'UTF8', standard_conforming_strings: 'on' };

function read(...more: readonly StartupParameter[]) {
  return readStartupParameters([['user', 'a'], ...more]);
}

describe('what may come in with a connection', () => {
  const FINE: readonly (readonly [string, StartupParameter[], Record<string, string>])[] = [
    ['nothing', [], {}],
    [
      'psql',
      [
        ['application_name', 'psql'],
        ['client_encoding', 'UTF8'],
      ],
      { application_name: 'psql' },
    ],
    ['asyncpg', [['client_encoding', "'utf-8'"]], {}],
    ['unicode', [['client_encoding', 'Unicode']], {}],
    ['replication off', [['replication', 'false']], {}],
    ['a search path', [['options', '-c search_path=app,public']], { search_path: 'app,public' }],
    ['two dashes', [['options', '--statement-timeout=5s']], { statement_timeout: '5s' }],
    ['glued', [['options', '-cgeqo=off -cjit=off']], { geqo: 'off', jit: 'off' }],
    ['an escaped space', [['options', '-c search_path=a,\\ b']], { search_path: 'a, b' }],
    ['an escaped backslash', [['options', '-c a.b=x\\\\y']], { 'a.b': 'x\\y' }],
    ['the last one counts', [['options', '-c jit=on -c jit=off']], { jit: 'off' }],
    [
      'its own parameter outranks options',
      [
        ['options', '-c jit=on'],
        ['jit', 'off'],
      ],
      { jit: 'off' },
    ],
    ['any case', [['Search_Path', 'x']], { search_path: 'x' }],
    ['conforming strings on', [['standard_conforming_strings', 'TRUE']], {}],
    ['unknown: the server judges', [['no_such_thing', '1']], { no_such_thing: '1' }],
  ];
  it.each(FINE)('%s passes', (_, parameters, expected) => {
    const wish = read(...parameters);
    if (wish.kind === 'refused') throw new Error(wish.message);
    expect(Object.fromEntries(wish.parameters)).toEqual({ ...PINNED, ...expected });
    expect(wish.parameters.some(([name]) => name === 'options')).toBe(false);
  });

  const REFUSED: readonly (readonly [string, StartupParameter[], string])[] = [
    ['strings read otherwise', [['standard_conforming_strings', 'off']], '0A000'],
    ['the same inside options', [['options', '-c standard_conforming_strings=off']], '0A000'],
    ['with dashes for underscores', [['options', '--standard-conforming-strings=off']], '0A000'],
    ['in capitals', [['options', '-c STANDARD_CONFORMING_STRINGS=off']], '0A000'],
    [
      'with an escape inside the name',
      [['options', '-c standard\\_conforming_strings=off']],
      '0A000',
    ],
    ['behind a vertical tab', [['options', '-c\vrole=postgres']], '0A000'],
    [
      'off in options, on beside it',
      [
        ['options', '-c standard_conforming_strings=off'],
        ['standard_conforming_strings', 'on'],
      ],
      '0A000',
    ],
    ['SJIS', [['client_encoding', 'SJIS']], '0A000'],
    ['SQL_ASCII', [['client_encoding', 'SQL_ASCII']], '0A000'],
    ['backslash_quote', [['backslash_quote', 'on']], '0A000'],
    ['silent triggers', [['session_replication_role', 'replica']], '0A000'],
    ['another role', [['role', 'postgres']], '0A000'],
    ['another user', [['options', '-csession_authorization=postgres']], '0A000'],
    ['a library', [['local_preload_libraries', 'x']], '0A000'],
    ['a server switch', [['options', '-O']], '0A000'],
    ['-c with nothing', [['options', '-c']], '0A000'],
    ['a user inside options', [['options', '-c user=postgres']], '0A000'],
    ['replication inside options', [['options', '-c replication=database']], '0A000'],
    ['replication', [['replication', 'database']], '0A000'],
    ['replication true', [['replication', 'yes']], '0A000'],
    ['replication that is no boolean', [['replication', '']], '0A000'],
    [
      'a parameter twice',
      [
        ['application_name', 'x'],
        ['application_name', 'y'],
      ],
      '08P01',
    ],
    [
      'a parameter twice by case',
      [
        ['role', 'x'],
        ['ROLE', 'y'],
      ],
      '08P01',
    ],
    ['a user twice', [['user', 'postgres']], '08P01'],
    [
      'a thousand options',
      Array.from({ length: 1000 }, (_, at) => [`a.o${at}`, 'x'] as const),
      '54000',
    ],
  ];
  it.each(REFUSED)('%s is refused', (_, parameters, sqlstate) => {
    expect(read(...parameters)).toMatchObject({ kind: 'refused', sqlstate });
  });

  it('takes the user name for the database, and echoes unknown protocol options', () => {
    expect(read(['database', ''], ['_pq_.Command', '1'])).toMatchObject({
      database: 'a',
      unrecognized: ['_pq_.Command'],
    });
  });

  it.each([[[]], [[['user', '']]], [[['database', 'x']]]] as StartupParameter[][][])(
    'needs a user (%j)',
    (given) => {
      expect(readStartupParameters(given)).toMatchObject({ kind: 'refused', sqlstate: '28000' });
    },
  );
});
