/**
 * The processes of `npm run bench:http`, each started here on a loopback port of its own, each stopped by the
 * pid that was started: the upstream, nginx, the bare proxy, and Holdfast as a user runs it.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CLI, storePidOf, tokenIn } from './holdfast.ts';
import { BODY, PATH, PROJECT } from './http-words.ts';
import { accepting, freePort, pidOf, stopped, type Tools } from './servers.ts';

const NGINX = '/usr/sbin/nginx';
export const HTTP_TOOLS: Tools = [[NGINX, 'nginx']];
const HERE = dirname(fileURLToPath(import.meta.url));
/** Of the upstream; made up, and looked at by nobody. */
const CREDENTIAL = 'bench-credential-of-the-upstream';

export interface Peer {
  readonly name: 'nginx' | 'bare' | 'holdfast';
  readonly port: number;
  readonly pid: number;
  /** The server that keeps Holdfast's own state; null: there is none. */
  readonly storePid: number | null;
  /** What a request must show there. */
  readonly token: string;
  stop(): Promise<void>;
}

export interface Upstream {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startUpstream(): Promise<Upstream> {
  const port = await freePort();
  const child = ownScript('http-upstream.js', [`${port}`]);
  await accepting(child, port, 'the upstream');
  return { port, stop: () => stopped(child, 'SIGINT') };
}

export async function startBare(upstreamPort: number): Promise<Peer> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${upstreamPort}`;
  const child = ownScript('http-bare.js', [`${port}`, origin, CREDENTIAL]);
  await accepting(child, port, 'the bare proxy');
  return peer('bare', child, port, null, 'none');
}

/**
 * One worker, as the others are one process; keep-alive on both sides, no access log. It does of Holdfast's
 * work what it can: it takes the name off the path and puts the real credential on.
 */
export async function startNginx(root: string, upstreamPort: number): Promise<Peer> {
  const folder = join(root, 'nginx');
  mkdirSync(folder, { mode: 0o711 });
  const port = await freePort();
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `  ${name}_temp_path ${folder}/${name};`,
  );
  const conf = [
    'daemon off;',
    'worker_processes 1;',
    `pid ${folder}/pid;`,
    `error_log ${folder}/error.log;`,
    'worker_rlimit_nofile 8192;',
    'events { worker_connections 4096; }',
    'http {',
    ...temp,
    '  access_log off;',
    '  keepalive_requests 1000000000;',
    '  keepalive_timeout 600s;',
    '  upstream api {',
    `    server 127.0.0.1:${upstreamPort};`,
    '    keepalive 64;',
    '    keepalive_requests 1000000000;',
    '    keepalive_timeout 600s;',
    '  }',
    '  server {',
    `    listen 127.0.0.1:${port};`,
    '    location /railway/ {',
    '      proxy_pass http://api/;',
    '      proxy_http_version 1.1;',
    '      proxy_set_header Connection "";',
    `      proxy_set_header Authorization "Bearer ${CREDENTIAL}";`,
    '    }',
    '  }',
    '}',
  ];
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, `${conf.join('\n')}\n`);
  const child = spawn(NGINX, ['-c', file, '-e', join(folder, 'error.log')], { stdio: 'ignore' });
  await accepting(child, port, 'nginx');
  return peer('nginx', child, port, null, 'none');
}

/** `profileFolder`: where a CPU profile of its process is left when it ends; null: none is taken. */
export async function startHoldfastHttp(
  root: string,
  upstreamPort: number,
  profileFolder: string | null,
): Promise<Peer> {
  const folder = join(root, 'holdfast');
  mkdirSync(folder, { mode: 0o711 });
  const port = await freePort();
  const yaml = [
    `listen: { host: 127.0.0.1, port: ${await freePort()}, tls: off }`,
    'dashboard: off',
    `http: { host: 127.0.0.1, port: ${port} }`,
    `store: { dataFolder: '${join(folder, 'data')}' }`,
    'environments: { staging: { level: guarded } }',
    'providers:',
    '  railway:',
    `    url: http://127.0.0.1:${upstreamPort}`,
    `    projects: { ${PROJECT.name}: { ${PROJECT.environment}: staging } }`,
  ];
  const config = join(folder, 'holdfast.yaml');
  writeFileSync(config, `${yaml.join('\n')}\n`);
  const env = { ...process.env, HOLDFAST_CONFIG: config, BENCH_CREDENTIAL: CREDENTIAL };
  const profile = profileFolder === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`];
  // A thousand agents are a thousand sockets.
  const command = `ulimit -n 65536 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"`;
  const child = spawn('/bin/sh', ['-c', command, process.execPath, ...profile, CLI, 'up'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  });
  try {
    await accepting(child, port, 'Holdfast');
    const holdfast = async (...args: string[]): Promise<unknown> => {
      const done = await promisify(execFile)(process.execPath, [CLI, ...args, '--json'], { env });
      return JSON.parse(done.stdout);
    };
    await holdfast('credentials', 'add', 'railway', '--from-env', 'BENCH_CREDENTIAL');
    await holdfast('agents', 'add', 'bench-agent', '--purpose', 'a bench');
    const token = tokenIn(await holdfast('agents', 'token', 'bench-agent', '--env', 'staging'));
    await letIn(port, token);
    return peer('holdfast', child, port, storePidOf(pidOf(child)), token);
  } catch (error) {
    await stopped(child, 'SIGINT');
    throw error;
  }
}

/** The gateway hears of a new token a moment after it was issued. */
async function letIn(port: number, token: string): Promise<void> {
  for (let left = 50; ; left -= 1) {
    const answer = await fetch(`http://127.0.0.1:${port}${PATH}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: BODY,
    });
    const text = await answer.text();
    if (answer.status === 200 && text.includes('SUCCESS')) return;
    if (left === 0) throw new Error(`Holdfast answered ${answer.status}: ${text}`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

function ownScript(name: string, args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [join(HERE, name), ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function peer(
  name: Peer['name'],
  child: ChildProcess,
  port: number,
  storePid: number | null,
  token: string,
): Peer {
  const stop = (): Promise<void> => stopped(child, name === 'nginx' ? 'SIGTERM' : 'SIGINT');
  return { name, port, pid: pidOf(child), storePid, token, stop };
}
