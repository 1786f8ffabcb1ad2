/**
 * The rules of the house (DESIGN §3). Each failure is a sentence that says which import is wrong and
 * where it may go instead.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = resolve(dirname(fileURLToPath(import.meta.url)), '../src');

/** Floors, from the ground up. A room may import its own folder and rooms on lower floors. */
const FLOORS: readonly (readonly string[])[] = [
  ['model'],
  [
    'languages',
    'targets',
    'identity',
    'policy',
    'approvals',
    'protection',
    'trail',
    'config',
    'programs',
  ],
  ['pipeline', 'providers', 'recovery', 'watch', 'store'],
  ['protocols', 'api', 'scan'],
  ['people-room.ts'],
  ['rooms.ts', 'wiring.ts', 'deferring.ts', 'trying.ts'],
  ['providing.ts', 'recovery-folder.ts', 'recovery-slots.ts', 'recovery-suspects.ts'],
  ['recovery-room.ts'],
  ['restore-room.ts'],
  [
    'guarding.ts',
    'recovering.ts',
    'undo-room.ts',
    'api-room.ts',
    'act-runners.ts',
    'fact-finding.ts',
    'notifying.ts',
  ],
  ['holdfast.ts'],
  ['cli'],
];

/** Doors that stay shut although the floors would allow them. */
const SHUT: readonly (readonly [from: string, to: string, why: string])[] = [
  ['protocols', 'policy', 'a protocol brings exchanges to the pipeline and knows no policy'],
  ['protocols', 'trail', 'a protocol reports to the pipeline and writes no trail'],
  ['protocols', 'approvals', 'a protocol refuses what the pipeline tells it to'],
  ['protocols', 'store', 'a protocol keeps no state of ours'],
  ['providers', 'protocols', 'a provider does not know who carries it'],
  ['pipeline', 'store', 'the spine is handed what it needs'],
  ['pipeline', 'providers', 'the spine is handed what it needs'],
];

/** Rooms of one floor that may use each other, each for a reason. */
const NEIGHBOURS: readonly (readonly [from: string, to: string, why: string])[] = [
  ['approvals', 'policy', 'signatures are part of the question put to policy'],
  ['protection', 'identity', 'the passwords of agents’ roles are sealed, and sent as verifiers'],
];

interface Import {
  readonly file: string;
  readonly target: string;
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !isTest(name))
    .map((name) => join(folder, name));
}

function isTest(name: string): boolean {
  return /\.(test|suite)\.ts$/.test(name) || name.split(sep).includes('testing');
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(/(?:from|import|import\()\s*['"](\.{1,2}\/[^'"]+)['"]/g);
  return [...found].map((match) => ({
    file: relative(SRC, file),
    target: relative(SRC, resolve(dirname(file), match[1] ?? '')),
  }));
}

function roomOf(path: string): string {
  return path.split(sep)[0] ?? path;
}

function floorOf(room: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(room));
}

const files = sources(SRC);
const imports = files.flatMap(importsOf);

function complaint({ file, target }: Import): string | null {
  const from = roomOf(file);
  const to = roomOf(target);
  if (from === to) return null;
  const shut = SHUT.find(([a, b]) => a === from && b === to);
  if (shut) return `${file} imports ${target}: that door is shut, ${shut[2]}.`;
  if (NEIGHBOURS.some(([a, b]) => a === from && b === to)) return null;
  if (floorOf(to) < floorOf(from)) return null;
  const where = floorOf(to) === floorOf(from) ? 'beside it' : 'above it';
  return (
    `${file} imports ${target}, which lives ${where}: imports go down only. ` +
    `Move what both need to a lower floor, or have holdfast.ts hand it in.`
  );
}

describe('the house', () => {
  it('has a floor for every room', () => {
    const rooms = new Set(files.map((file) => roomOf(relative(SRC, file))));
    const homeless = [...rooms].filter((room) => floorOf(room) < 0);
    expect(homeless, `${homeless.join(', ')} stands on no floor: add it to FLOORS.`).toEqual([]);
  });

  it('lets no import run up or sideways', () => {
    expect(imports.length).toBeGreaterThan(10);
    expect(imports.map(complaint).filter((sentence) => sentence !== null)).toEqual([]);
  });

  it('keeps protocols from each other', () => {
    const crossing = imports.filter(({ file, target }) => {
      const [room, mine] = file.split(sep);
      const [other, theirs] = target.split(sep);
      return room === 'protocols' && other === 'protocols' && isFolder(theirs) && mine !== theirs;
    });
    const sentences = crossing
      .filter(({ file }) => file !== join('protocols', 'index.ts'))
      .map(({ file, target }) => `${file} imports ${target}: protocols do not know each other.`);
    expect(sentences).toEqual([]);
  });

  it('has no circle', () => {
    expect(circles()).toEqual([]);
  });

  it('reads the clock and randomness in model/clock.ts only', () => {
    const readers = files.filter((file) => {
      const text = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      return /Date\.now\(|new Date\(\)|randomBytes|randomUUID|Math\.random|performance\.now/.test(
        text,
      );
    });
    const names = readers.map((file) => relative(SRC, file));
    expect(names, 'Only model/clock.ts reads the clock; everybody else is handed one.').toEqual([
      join('model', 'clock.ts'),
    ]);
  });

  it('listens in session.ts and api/server.ts only', () => {
    const listeners = files
      .filter((file) => /createServer\(/.test(readFileSync(file, 'utf8')))
      .map((file) => relative(SRC, file));
    const wrong = listeners.filter(
      (file) => !/^protocols\/[^/]+\/(session|listener)\.ts$|^api\/server\.ts$/.test(file),
    );
    expect(wrong, `${wrong.join(', ')} listens; only a protocol's session or the API may.`).toEqual(
      [],
    );
  });

  it('keeps index.ts to its own folder', () => {
    const barrels = imports.filter(({ file }) => file.endsWith('index.ts'));
    const climbing = barrels.filter(({ file, target }) => !target.startsWith(dirname(file)));
    expect(climbing.map(({ file, target }) => `${file} re-exports ${target}`)).toEqual([]);
  });
});

function isFolder(name: string | undefined): boolean {
  return name !== undefined && !name.endsWith('.ts');
}

function circles(): string[] {
  const graph = new Map<string, string[]>();
  for (const { file, target } of imports) {
    graph.set(file, [...(graph.get(file) ?? []), target]);
  }
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      found.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  return found;
}
