/** holdfast.yaml of one target, `shop`, whose points go into a local vault: what commands are typed beside. */
import { freePort } from '../../src/testing/scratch-postgres.ts';
import type { Ground } from './pull-ground.ts';

export interface ShopConfig {
  readonly ground: Pick<Ground, 'server'>;
  /** Of the local vault; beside the file, or anywhere. */
  readonly vault: string;
  readonly recipient: string;
  /** Beside the file. */
  readonly keyFile: string;
  /** Left out: sealed. */
  readonly level?: 'guarded';
  /** Left out: none. */
  readonly dashboardPort?: number;
  /** Holdfast's own login there is that of a superuser. */
  readonly isProtected?: boolean;
  /** Lines of `recovery`: before and after those of every one. */
  readonly first?: readonly string[];
  readonly more?: readonly string[];
}

export async function shopConfig(of: ShopConfig): Promise<string> {
  const { dashboardPort, first = [], ground, keyFile, level = 'sealed', more = [] } = of;
  const url = `postgres://postgres@127.0.0.1:${ground.server.port}/postgres`;
  const lines = [
    `listen: { host: 127.0.0.1, port: ${await freePort()}, tls: off }`,
    `dashboard: ${dashboardPort === undefined ? 'off' : `{ port: ${dashboardPort} }`}`,
    'store: { dataFolder: state }',
    'environments:',
    `  production: { level: ${level} }`,
    'vaults:',
    `  here: { kind: local, folder: ${of.vault} }`,
    'targets:',
    '  shop:',
    '    environment: production',
    `    upstream: { url: "${url}" }`,
    ...(of.isProtected === true ? [`    protection: { admin: { url: "${url}" } }`] : []),
    '    recovery:',
    ...[...first, 'vaults: [here]', `recipients: [${of.recipient}]`].map(inRecovery),
    ...[`identity: { file: ${keyFile} }`, ...more].map(inRecovery),
  ];
  return `${lines.join('\n')}\n`;
}

function inRecovery(line: string): string {
  return `      ${line}`;
}
