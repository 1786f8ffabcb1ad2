/** What the demo's agent sends is what curl sends, to the byte. */
import { execFile } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { missingCommand } from '../../holdfast/src/testing/commands.ts';
import { bodyOf, send } from '../src/agent/published-request.ts';

const VOLUME = '3d2c42fb-0000-4000-8000-000000000000';
const BODY = '{"data":{"volumeDelete":true}}';

/** Everything one client sends; it is answered as Railway answered. */
async function bytesOf(client: (port: number) => Promise<unknown>): Promise<string> {
  let got = '';
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      got += bytes.toString('latin1');
      if (!got.endsWith('}')) return;
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    await client((server.address() as AddressInfo).port);
    return got;
  } finally {
    server.close();
  }
}

it('is the request that Railway printed, as curl sends it', async (ctx) => {
  const why = missingCommand('curl');
  ctx.skip(why !== null, why ?? '');
  const host = 'backboard.railway.app';
  const ours = await bytesOf((port) =>
    send({ host, token: 'a-token', volumeId: VOLUME }, { kind: 'direct', port }),
  );
  const curls = await bytesOf((port) =>
    promisify(execFile)('curl', [
      ...['-s', '-X', 'POST', `http://127.0.0.1:${port}/graphql/v2`, '-H', `Host: ${host}`],
      ...['-H', 'Authorization: Bearer a-token'],
      ...['-d', `{"query":"mutation { volumeDelete(volumeId: \\"${VOLUME}\\") }"}`],
    ]),
  );
  const version = /curl\/[\d.]+/;
  expect(ours.replace(version, 'curl')).toBe(curls.replace(version, 'curl'));
  expect(ours).toContain(bodyOf(VOLUME));
});
