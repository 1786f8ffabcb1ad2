/** What is believed to be in force, by what the server answered. Texts are read by the real reader. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSqlReader } from '../../languages/sql/reader.ts';
import type { SqlReader } from '../../languages/sql/sql-reading.ts';
import { type SessionSetting, sessionMarkIn } from '../../model/session-settings.ts';
import { viewOf } from './session-rules.ts';
import type { SettingChange } from './setting-changes.ts';
import { SettingFacts, type SettingsAsked } from './setting-facts.ts';

const PATH = Buffer.from('public');
const NO_NAMES = { candidates: () => [], names: () => [] };

let reader: SqlReader;
beforeAll(async () => {
  reader = await createSqlReader();
});
afterAll(() => reader.close());

class Session {
  readonly facts: SettingFacts;

  constructor(start: readonly (readonly [string, string])[] = []) {
    this.facts = new SettingFacts('session_1', start);
  }

  /** What stands behind `/` is the answer, and the state of the transaction after it. */
  async run(...steps: readonly string[]): Promise<this> {
    for (const step of steps) {
      const [text = '', said = ''] = step.split(' / ');
      const bytes = Buffer.from(text);
      const { session, statements, ...rest } = await reader.read(bytes, 0, bytes.length);
      const standing = { text: bytes, ahead: [], sure: true };
      const { settings } = viewOf({ session, statements, ...rest }, standing, NO_NAMES);
      this.answer(settings, said, { kind: 'simple', statements });
    }
    return this;
  }

  answer(
    changes: readonly SettingChange[] | null,
    said: string,
    { kind, statements }: Pick<SettingsAsked, 'kind' | 'statements'>,
  ): void {
    const [, tags = '', state = 'I'] = /^(.*?) ?([ITE])$/.exec(said) ?? [];
    const asked = changes === null ? null : { changes, kind, statements, isAlone: true };
    if (asked === null && !this.facts.isOpen) return;
    this.facts.begin(asked);
    const status = state === 'T' ? 'T' : state === 'E' ? 'E' : 'I';
    this.facts.end(asked, tags, status === 'E', status);
  }

  get inForce(): readonly string[] {
    const { settings } = sessionMarkIn(this.facts.mark(PATH, false));
    return settings.map(({ name, value }: SessionSetting) => `${name}=${value ?? '(not known)'}`);
  }
}

async function after(...steps: readonly string[]): Promise<readonly string[]> {
  return (await new Session().run(...steps)).inForce;
}

const BEGIN = 'begin / BEGIN T';
const LOCAL = "set local app.tenant = '42' / SET T";

describe('a local setting', () => {
  it('is not known behind ROLLBACK TO, and is gone with the transaction', async () => {
    const back = [BEGIN, LOCAL, 'savepoint s / SAVEPOINT T', 'rollback to s / ROLLBACK T'];
    expect(await after(...back)).toEqual(['app.tenant=(not known)']);
    expect(await after(...back, 'commit / COMMIT I')).toEqual([]);
    expect(await after(...back, 'rollback / ROLLBACK I')).toEqual([]);
  });

  it('leaves what was set for the session before', async () => {
    const before = "set app.tenant = '41' / SET I";
    const steps = [before, BEGIN, LOCAL, 'savepoint s / SAVEPOINT T', 'rollback to s / ROLLBACK T'];
    expect(await after(...steps, 'commit / COMMIT I')).toEqual(['app.tenant=41']);
  });

  it('of an expression is gone with the transaction too', async () => {
    const unsure = "select set_config('app.tenant', version(), true) / SELECT 1 T";
    expect(await after(BEGIN, unsure)).toEqual(['app.tenant=(not known)']);
    expect(await after(BEGIN, unsure, 'commit / COMMIT I')).toEqual([]);
  });

  it('beside one that lasts leaves nobody sure', async () => {
    const lasting = "set app.tenant = '43' / SET T";
    const rest = ['savepoint s / SAVEPOINT T', 'rollback to s / ROLLBACK T', 'commit / COMMIT I'];
    for (const both of [
      [LOCAL, lasting],
      [lasting, LOCAL],
    ]) {
      expect(await after(BEGIN, ...both, ...rest)).toEqual(['app.tenant=(not known)']);
    }
  });
});

describe('what is counted', () => {
  it.each<[string, string]>([
    [
      'a mode of the transaction beside it',
      "begin; set transaction read only; set local app.tenant = '42' / BEGIN; SET; SET T",
    ],
    [
      'two modes of the transaction',
      "begin; set transaction read only, deferrable; set app.tenant = '42' / BEGIN; SET; SET T",
    ],
    [
      'two modes of those to come',
      "set session characteristics as transaction read only, deferrable; set app.tenant = '42' / SET; SET I",
    ],
    [
      'modes of BEGIN',
      "begin isolation level serializable, read only; set app.tenant = '42' / BEGIN; SET T",
    ],
  ])('is right with %s', async (_what, step) => {
    expect(await after(step)).toEqual(['app.tenant=42']);
  });

  it('is not, where an answer is missing', async () => {
    expect(await after("set transaction read only; set app.tenant = '42' / SET I")).toEqual([
      'app.tenant=(not known)',
    ]);
  });
});

describe('a role', () => {
  const AS = 'set role app / SET I';

  it('is kept by RESET ALL, with what it was', async () => {
    expect(await after(AS, "set app.tenant = '42' / SET I", 'reset all / RESET I')).toEqual([
      'role=app',
    ]);
  });

  it('is none after DISCARD ALL', async () => {
    expect(await after(AS, 'discard all / DISCARD ALL I')).toEqual([]);
  });

  it('is not known once the session is as somebody else, or as itself again', async () => {
    for (const text of ['set session authorization app', 'reset session authorization']) {
      expect(await after(AS, `${text} / ${text.startsWith('set') ? 'SET' : 'RESET'} I`)).toContain(
        'role=(not known)',
      );
    }
  });
});

describe('a call of set_config', () => {
  const call = (name: string) => `select ${name}('app.tenant', '42', false) / SELECT 1 I`;

  it('is not believed where another function of that name may be meant', async () => {
    const path = 'set search_path = public, pg_catalog / SET I';
    expect(await after(path, call('set_config'))).toContain('app.tenant=(not known)');
    expect(await after(path, call('pg_catalog.set_config'))).toContain('app.tenant=42');
    expect(await after('set search_path = public / SET I', call('set_config'))).toContain(
      'app.tenant=42',
    );
    const started = new Session([['search_path', 'public, PG_CATALOG']]);
    expect((await started.run(call('set_config'))).inForce).toEqual(['app.tenant=(not known)']);
  });
});

it('is under no approval that is good again, with more settings than people are shown', async () => {
  const steps = Array.from({ length: 21 }, (_of, at) => `set app.x${at} = '1' / SET I`);
  expect((await after(...steps.slice(1))).length).toBe(20);
  expect(await after(...steps)).toContain('*=(not known)');
  expect(await after(...steps, 'reset app.x0 / RESET I')).not.toContain('*=(not known)');
});

describe('the marks of two moments', () => {
  const twice = (session: Session) => [
    session.facts.mark(PATH, false).toString(),
    session.facts.mark(PATH, false).toString(),
  ];

  it('are equal while what is set is known', async () => {
    const [one, other] = twice(await new Session().run("set app.tenant = '42' / SET I"));
    expect(one).toBe(other);
  });

  it('differ with more settings than people are shown', async () => {
    const steps = Array.from({ length: 21 }, (_of, at) => `set app.x${at} = '1' / SET I`);
    const [one, other] = twice(await new Session().run(...steps));
    expect(one).not.toBe(other);
  });

  it('differ where anything may have been set, or is about to be', async () => {
    const [one, other] = twice(new Session([['app.a b', '1']]));
    expect(one).not.toBe(other);
    const asked = new Session();
    asked.facts.begin(null);
    const [before, after] = twice(asked);
    expect(before).not.toBe(after);
    asked.facts.end(null, 'SELECT 1', false, 'I');
    expect(new Set(twice(asked)).size).toBe(1);
  });
});
