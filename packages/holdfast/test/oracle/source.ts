/**
 * PostgreSQL's own regression tests, fetched as Debian source into a cache outside the repository
 * and never committed. It comes from where this machine's own packages come from. An archive keeps only
 * the newest of each suite, so each suite is tried apart: the release itself, then its updates.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
export type Source =
  | { readonly kind: 'found'; readonly folder: string }
  | { readonly kind: 'missing'; readonly reason: string };

/** The folder `src/test/regress` with `sql/`, `data/` and `parallel_schedule`. */
export function regressionSource(): Source {
  const own = process.env['HOLDFAST_ORACLE_SOURCE'];
  if (own !== undefined) return { kind: 'found', folder: own };
  const cache = join(tmpdir(), `holdfast-oracle-${process.getuid?.() ?? 0}`);
  mkdirSync(cache, { recursive: true });
  chmodSync(cache, 0o755);
  const ready = unpacked(cache);
  if (ready !== null) return { kind: 'found', folder: ready };
  const reasons: string[] = [];
  for (const [name, line] of suites()) {
    try {
      fetchSource(join(cache, name), line);
      unpack(join(cache, name), cache);
      const folder = unpacked(cache);
      if (folder !== null) return { kind: 'found', folder };
      reasons.push(`${name}: the source holds no regression tests`);
    } catch (failure) {
      const text = failure instanceof Error ? failure.message : String(failure);
      reasons.push(`${name}: ${text.split('\n').filter(Boolean).slice(-1)[0] ?? text}`);
    }
  }
  return { kind: 'missing', reason: reasons.join('; ') };
}

function unpacked(cache: string): string | null {
  const top = readdirSync(cache).find((name) => name.startsWith('postgresql-15'));
  if (top === undefined) return null;
  const folder = join(cache, top, 'src/test/regress');
  return existsSync(join(folder, 'parallel_schedule')) ? folder : null;
}

/** `[suite, "URI suite component"]` of each archive that apt is set up with; the shortest name first. */
function suites(): (readonly [name: string, line: string])[] {
  const format = '$(REPO_URI) $(CODENAME) $(COMPONENT)';
  const lines = execFileSync(
    'apt-get',
    ['indextargets', '--format', format, 'Created-By: Packages'],
    {
      stdio: 'pipe',
      timeout: 60_000,
    },
  );
  return [...new Set(lines.toString().split('\n').filter(Boolean))]
    .map((line) => [line.split(' ')[1] ?? line, line] as const)
    .sort(([a], [b]) => a.length - b.length);
}

/** apt with folders of its own: the machine's lists and sources stay as they are. */
function fetchSource(folder: string, line: string): void {
  for (const part of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(folder, part), { recursive: true });
  }
  writeFileSync(join(folder, 'sources.list'), `deb-src [signed-by=${KEYRING}] ${line}\n`);
  const options = [
    `Dir::Etc::sourcelist=${folder}/sources.list`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${folder}/lists`,
    `Dir::Cache=${folder}/cache`,
    'APT::Sandbox::User=root',
    'Acquire::Retries=1',
  ].flatMap((option) => ['-o', option]);
  const run = (args: readonly string[]): void => {
    execFileSync('apt-get', [...options, ...args], {
      cwd: folder,
      stdio: 'pipe',
      timeout: 180_000,
    });
  };
  run(['update']);
  run(['source', '--download-only', 'postgresql-15']);
}

function unpack(folder: string, cache: string): void {
  const archive = readdirSync(folder).find((name) => /\.orig\.tar\.\w+$/.test(name));
  if (archive === undefined) throw new Error('no source archive was downloaded');
  execFileSync(
    'tar',
    ['-xf', join(folder, archive), '-C', cache, '--wildcards', '*/src/test/regress/*'],
    {
      stdio: 'pipe',
      timeout: 120_000,
    },
  );
}
