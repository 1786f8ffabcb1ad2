/** An HTTP gateway before a plain provider, with a token of one agent; for tests of the HTTP protocol. */

import { systemClock } from '../model/clock.ts';
import { NOT_CONFIGURED } from '../model/recovery-facts.ts';
import { Pipeline } from '../pipeline/pipeline.ts';
import type { Authority } from '../protocols/http/authority.ts';
import { createHttpProtocol } from '../protocols/http/listener.ts';
import type { Protocol } from '../protocols/protocol.ts';
import type { Provider } from '../providers/provider.ts';
import { anybody, FakeDesk, FakeRecorder, oneTarget, simpleJudge } from './fake-parts.ts';
import { PlainProvider, PlainServer } from './plain-provider.ts';
import { PlainTokens } from './plain-tokens.ts';

/** An HTTP gateway before any provider, with the rules of `fake-parts.ts`. */
export interface GatewayBefore {
  readonly recorder: FakeRecorder;
  readonly desk: FakeDesk;
  readonly tokens: PlainTokens;
  /** The secret of `token_a`. */
  readonly token: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export async function startGatewayBefore(
  provider: Provider,
  authority: Authority,
  allowed: readonly string[] = [],
): Promise<GatewayBefore> {
  const tokens = new PlainTokens();
  const token = tokens.issue('token_a');
  const recorder = new FakeRecorder();
  const desk = new FakeDesk();
  const protocol = createHttpProtocol({
    listen: { host: '127.0.0.1', port: 0 },
    authority,
    allowed,
    directory: tokens,
    providers: new Map([[provider.name, provider]]),
    pipeline: new Pipeline({
      targets: oneTarget,
      judge: simpleJudge,
      allowances: anybody,
      recoveryOf: () => NOT_CONFIGURED,
      desk,
      deferrals: null,
      recorder,
      holdWaitMs: 0,
    }),
    clock: systemClock,
  });
  const { port } = await protocol.listen();
  return { recorder, desk, tokens, token, protocol, port };
}

export interface HttpGateway extends GatewayBefore {
  readonly server: PlainServer;
  readonly provider: PlainProvider;
  close(): Promise<void>;
}

/** `allowed`: hosts to which tunnels are passed on unread. */
export async function startHttpGateway(
  authority: Authority,
  allowed: readonly string[] = [],
): Promise<HttpGateway> {
  const server = new PlainServer();
  const provider = new PlainProvider(await server.start());
  const before = await startGatewayBefore(provider, authority, allowed);
  const close = async (): Promise<void> => {
    await before.protocol.close();
    await server.stop();
  };
  return { ...before, server, provider, close };
}
