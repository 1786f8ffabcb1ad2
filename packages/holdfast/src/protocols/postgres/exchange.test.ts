import { expect, it } from 'vitest';
import { UNPROTECTED } from '../../model/reversal.ts';
import { type Carrier, PostgresExchange } from './exchange.ts';
import { Unit } from './unit.ts';

const carrier: Carrier = {
  actor: { kind: 'agent', id: 'agent_1', name: 'cursor', tokenId: 'token_1' },
  facts: { id: 'session_1', protocol: 'postgres', source: '127.0.0.1:5', client: 'psql' },
  target: { asked: 'main-db', searchPath: ['public'] },
  sessionMark: Buffer.from('public'),
  isInTransaction: false,
  hasLoosePortal: false,
  protection: UNPROTECTED,
  hasReceipts: false,
  forward: () => undefined,
  refuse: () => {},
};

it.each([
  ['adds a schema', ['other'], ['public', 'other']],
  ['makes it unknown', null, []],
  ['leaves it', [], ['public']],
])('a unit that %s to the search path is located with it already', (_story, added, expected) => {
  const exchange = new PostgresExchange(carrier, new Unit('simple', Buffer.alloc(0), 0), added);
  expect(exchange.locate()).toEqual({ asked: 'main-db', searchPath: expected });
});
