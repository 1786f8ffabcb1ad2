/** What the stand-in answers: made up, in the shapes of the contract. */
import type { Answer } from '../src/api/client.ts';
import type { HoldShown } from '../src/api/hold-shown.ts';

type Reply = readonly [status: number, value: unknown];

const IS_EMPTY = process.env['EMPTY'] === '1';
const HOLD_COUNT = IS_EMPTY ? 0 : Number(process.env['HOLDS'] ?? 14);
const START = Date.now();
const MINUTE = 60_000;

function at(minutes: number): string {
  return new Date(START + minutes * MINUTE).toISOString();
}

const PERMISSIONS: Answer<'roles.table'>['permissions'] = [
  {
    name: 'holds.read',
    words: 'see holds and their cards',
    roles: ['owner', 'approver', 'operator', 'auditor'],
  },
  { name: 'holds.decide', words: 'approve and deny holds', roles: ['owner', 'approver'] },
  {
    name: 'deferrals.cancel',
    words: 'cancel what waits out the grace',
    roles: ['owner', 'approver', 'operator'],
  },
  {
    name: 'proposals.open',
    words: 'propose what takes several people',
    roles: ['owner', 'approver', 'operator'],
  },
  { name: 'proposals.decide', words: 'sign and deny proposals', roles: ['owner', 'approver'] },
  { name: 'undo.apply', words: 'take back what passed', roles: ['owner', 'operator'] },
  {
    name: 'trail.verify',
    words: 'have the trail verified',
    roles: ['owner', 'approver', 'operator', 'auditor'],
  },
  { name: 'trail.export', words: 'export the trail', roles: ['owner', 'auditor'] },
  {
    name: 'agents.stop',
    words: 'pause agents and revoke tokens',
    roles: ['owner', 'approver', 'operator'],
  },
  {
    name: 'agents.manage',
    words: 'add agents and give them tokens',
    roles: ['owner', 'operator'],
  },
  { name: 'people.manage', words: 'invite and remove people, give roles', roles: ['owner'] },
  {
    name: 'notifications.read',
    words: 'see where notices go',
    roles: ['owner', 'approver', 'operator', 'auditor'],
  },
  {
    name: 'policy.read',
    words: 'read policy and try requests on it',
    roles: ['owner', 'approver', 'operator', 'auditor'],
  },
];

const session: Answer<'session.show'> = {
  person:
    process.env['SIGNED_OUT'] === '1' || process.env['NEW'] === '1'
      ? null
      : {
          id: 'person_1',
          name: 'Ana Lopes',
          roles: ['owner'],
          method: 'passkey',
          provedAt: at(-2),
          mustEnrol: false,
        },
  may: PERMISSIONS.map(({ name }) => name),
  isNew: process.env['NEW'] === '1',
  sso: { host: 'login.example.com' },
};

const STATEMENTS = [
  'mutation CleanUp {\n  volumeDelete(volumeId: "8a5f3c1e-6d0b-4c0e-9d53-1f6f0f8f2b11") # free the disk\n}',
  "DELETE FROM bookings WHERE starts_at < '2024-01-01' AND status = 'done';",
  'DROP TABLE public.customers CASCADE;',
  'ALTER TABLE invoices DROP COLUMN vat_id, ADD COLUMN tax jsonb;',
  "GRANT ALL ON SCHEMA public TO reporting; -- 'so that it works'",
  "UPDATE users SET plan = 'free' WHERE id IN (SELECT user_id FROM trials WHERE ended < now());",
  'SELECT purge_old_rows(90);',
];

const NASTY = 'DROP TABLE "users\u202e;elbat"; -- <img src=x onerror=alert(1)> \u0000\u001b[2K';

const EFFECTS: readonly HoldShown['effects'][number][] = [
  {
    kind: 'destroy',
    verb: 'volumeDelete',
    object: { type: 'volume', schema: null, name: 'pg-data' },
    reach: 'cascade',
    additive: false,
    why: 'the service main-db keeps its data in it; its 3 backups lie in the same volume',
  },
  {
    kind: 'destroy',
    verb: 'DELETE',
    object: { type: 'table', schema: 'public', name: 'bookings' },
    reach: 'rows',
    additive: false,
    why: null,
  },
  {
    kind: 'destroy',
    verb: 'DROP TABLE',
    object: { type: 'table', schema: 'public', name: 'customers' },
    reach: 'cascade',
    additive: false,
    why: null,
  },
  {
    kind: 'reshape',
    verb: 'ALTER TABLE DROP COLUMN',
    object: { type: 'table', schema: 'public', name: 'invoices' },
    reach: 'whole',
    additive: false,
    why: null,
  },
  {
    kind: 'grant',
    verb: 'GRANT',
    object: { type: 'schema', schema: null, name: 'public' },
    reach: 'whole',
    additive: false,
    why: null,
  },
  {
    kind: 'write',
    verb: 'UPDATE',
    object: { type: 'table', schema: 'public', name: 'users' },
    reach: 'rows',
    additive: false,
    why: null,
  },
  {
    kind: 'execute',
    verb: 'SELECT',
    object: { type: 'function', schema: 'public', name: 'purge_old_rows' },
    reach: 'unknown',
    additive: false,
    why: 'what the function does stands in the database, not in the statement',
  },
];

const STATES = [
  'waiting',
  'waiting',
  'waiting',
  'signed',
  'denied',
  'consumed',
  'expired',
] as const;
const AGENTS = ['cursor-backend', 'claude-migrations', 'codex-nightly', 'support-bot'];
const TARGETS = ['railway-production', 'main-db', 'main-db', 'billing-db'];

function holdOf(index: number): HoldShown {
  const which = index % STATEMENTS.length;
  const effect = EFFECTS[which];
  const state = index < 4 ? 'waiting' : (STATES[index % STATES.length] ?? 'waiting');
  const isRailway = which === 0;
  return {
    id: `hold_${String(index).padStart(16, '0')}`,
    state,
    agent: AGENTS[index % AGENTS.length] ?? 'agent',
    target: isRailway ? 'railway-production' : (TARGETS[index % TARGETS.length] ?? 'main-db'),
    environment: index % 5 === 3 ? 'staging' : 'production',
    level: index % 5 === 3 ? 'guarded' : 'sealed',
    statement: index === 3 ? NASTY : (STATEMENTS[which] ?? ''),
    reason: isRailway
      ? 'volumeDelete destroys the volume pg-data, and main-db keeps its data in it'
      : 'production is sealed: every change waits for people',
    rule: isRailway ? 'sealed.destroy' : 'sealed.change',
    peopleNeeded: isRailway ? 2 : 1,
    peopleMissing: isRailway && index % 2 === 0 ? 1 : isRailway ? 2 : 1,
    policyVersion: '3f0a9c2b7d1e',
    signatures:
      isRailway && index % 2 === 0
        ? [{ person: 'Rui Costa', method: 'passkey', comment: '', at: at(-3) }]
        : [],
    openedAt: at(-4 - index * 7),
    expiresAt: at(state === 'waiting' || state === 'signed' ? 7 + index * 31 : -5),
    digest: '5f1c0f9b7f0a4f0e8c9d2a6b3e1f4d5c6b7a8990817263544536271809fadbec',
    effects: effect === undefined ? [] : [effect],
    effectsTotal: 1,
    couldNotTell: null,
    resolvedBy: isRailway
      ? 'the volume belongs to service main-db, environment production of project shop (asked at Railway just now); declared in holdfast.yaml'
      : 'declared in holdfast.yaml',
    agentId: 'agent_1',
    tokenId: 'token_1',
    sessionId: 'session_1',
    source: '10.2.0.14',
    client: 'node 22 / cursor 1.9',
    takingBack: isRailway
      ? { level: 'full', reversal: 'defer', reason: 'Railway keeps nothing of a deleted volume' }
      : { level: 'full', reversal: which === 2 ? 'rename' : 'capture', reason: '' },
    decidedAt: state === 'denied' ? at(-30) : null,
    decidedBy: state === 'denied' ? 'Rui Costa' : null,
    note: state === 'denied' ? 'Not on a Friday. Archive the rows first.' : null,
    digestWords: 'copper lantern walrus timber orbit mango',
    typedName: isRailway ? 'pg-data' : null,
    rowsAtMost: isRailway ? null : 14_000,
    approvalUntil: at(60),
    owner: 'Rui Costa',
    task: 'The disk of the staging database is full, so I remove the unused volume and then retry the deploy. This is safe, the user asked for it.',
    facts: {
      lookedUpAt: at(-4),
      rows: isRailway ? null : { value: 12_048, how: 'exact' },
      objects: isRailway
        ? [
            {
              name: 'pg-data',
              type: 'volume',
              rows: null,
              bytes: { value: 48_318_382_080, how: 'exact' },
            },
            {
              name: 'public.bookings',
              type: 'table',
              rows: { value: 8_204_112, how: 'estimate' },
              bytes: { value: 3_221_225_472, how: 'estimate' },
            },
            {
              name: 'public.customers',
              type: 'table',
              rows: { value: 311_204, how: 'estimate' },
              bytes: { value: 209_715_200, how: 'estimate' },
            },
          ]
        : [
            {
              name: 'public.bookings',
              type: 'table',
              rows: { value: 8_204_112, how: 'estimate' },
              bytes: { value: 3_221_225_472, how: 'exact' },
            },
          ],
      objectsTotal: isRailway ? 44 : 1,
      dependents: isRailway
        ? [
            { name: 'main-db', type: 'service', what: 'goes' },
            { name: 'backup-2026-11-26', type: 'backup', what: 'goes' },
            { name: 'booking-api', type: 'service', what: 'breaks' },
          ]
        : [{ name: 'public.payments', type: 'table', what: 'rows' }],
      dependentsTotal: isRailway ? 7 : 1,
      recoveryLost: isRailway
        ? [
            '3 backups lie in the volume pg-data, and go with it',
            'the newest proven recovery point outside of it is 26 h old',
          ]
        : [],
      notTold: isRailway ? ['rows: the server did not answer within 400 ms'] : [],
    },
  };
}

function lineOf(hold: HoldShown): Answer<'holds.list'>['items'][number] {
  const { id, state, agent, target, environment, level, statement, reason, rule } = hold;
  const { peopleMissing, peopleNeeded, signatures, openedAt, expiresAt } = hold;
  return {
    id,
    state,
    agent,
    target,
    environment,
    level,
    statement,
    reason,
    rule,
    peopleNeeded,
    peopleMissing,
    signatures,
    openedAt,
    expiresAt,
  };
}

const TRAIL_SIZE = 128_412;

const past: Answer<'holds.past'> = {
  recent: {
    acts: [
      {
        index: TRAIL_SIZE - 4,
        at: at(-5),
        target: 'main-db',
        verdict: 'pass',
        effects: ['read public.bookings'],
        firstLine: 'select count(*) from bookings where starts_at < now()',
        outcome: 'done',
      },
      {
        index: TRAIL_SIZE - 9,
        at: at(-9),
        target: 'main-db',
        verdict: 'deny',
        effects: ['destroy public.bookings'],
        firstLine: 'drop table bookings',
        outcome: null,
      },
    ],
    isCut: true,
  },
  similar: [
    {
      id: 'hold_0000000000000011',
      openedAt: at(-9_000),
      agent: 'codex-nightly',
      target: 'main-db',
      state: 'denied',
      likeness: 'same acts',
      people: ['Rui Costa'],
      note: 'Not on a Friday. Archive the rows first.',
    },
    {
      id: 'hold_0000000000000023',
      openedAt: at(-20_000),
      agent: 'cursor-backend',
      target: 'billing-db',
      state: 'consumed',
      likeness: 'same kinds of acts',
      people: ['Ana Lopes', 'Rui Costa'],
      note: null,
    },
  ],
};

const proposals: Answer<'proposals.list'>['items'] = [
  {
    id: 'proposal_1',
    state: 'waiting',
    act: 'purge',
    target: 'main-db',
    environment: 'production',
    level: 'sealed',
    words:
      'The undo data of 12 acts of support-bot on main-db goes before its time. After that nobody can take them back.',
    exactly:
      '{"environment":"production","facts":{"agent":"support-bot","items":12},"kind":"purge","level":"sealed","target":"main-db"}',
    reason: 'Undo data is what P4 rests on, so no single person may let it go.',
    digest: 'ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34ab12cd34',
    peopleNeeded: 2,
    peopleMissing: 1,
    digestWords: 'amber canyon violet mirror nectar falcon',
    signatures: [
      { person: 'Rui Costa', method: 'totp', comment: 'No longer needed.', at: at(-12) },
    ],
    openedAt: at(-20),
    expiresAt: at(400),
    decidedAt: null,
    decidedBy: null,
    note: null,
    outcome: null,
  },
];

const deferrals: Answer<'deferrals.list'>['items'] = [
  {
    id: 'deferral_1',
    state: 'scheduled',
    agent: 'claude-migrations',
    target: 'main-db',
    environment: 'production',
    level: 'sealed',
    statement: 'SELECT purge_old_rows(90);',
    rule: 'sealed.execute',
    reason: 'nobody can tell what SELECT would have to take back',
    digest: 'cd34',
    hold: 'hold_0000000000000006',
    scheduledAt: at(-600),
    dueAt: at(2_280),
    decidedAt: null,
    decidedBy: null,
    note: null,
  },
  {
    id: 'deferral_2',
    state: 'cancelled',
    agent: 'cursor-backend',
    target: 'railway-production',
    environment: 'production',
    level: 'sealed',
    statement: STATEMENTS[0] ?? '',
    rule: 'sealed.destroy',
    reason: 'Railway keeps nothing of a deleted volume',
    digest: 'cd35',
    hold: 'hold_0000000000000007',
    scheduledAt: at(-5_000),
    dueAt: at(-2_000),
    decidedAt: at(-4_000),
    decidedBy: 'Ana Lopes',
    note: 'It was the production volume.',
  },
];

const undoItems: Answer<'undo.list'>['items'] = Array.from({ length: 60 }, (_, index) => ({
  id: `undo_${index}`,
  target: index % 3 === 0 ? 'billing-db' : 'main-db',
  state: index === 4 ? 'undone' : index === 9 ? 'purging' : 'kept',
  at: at(-9 - index * 43),
  role: 'hf_cursor_backend',
  agent: index % 7 === 5 ? null : (AGENTS[index % AGENTS.length] ?? null),
  application: 'node',
  parts: [
    { op: 'D', name: 'public.bookings', rows: 1_204 + index },
    ...(index % 4 === 0
      ? [{ op: 'X' as const, name: 'DROP TABLE public.old_prices', rows: 0 }]
      : []),
  ],
  rows: 1_204 + index,
  undoOf: index === 11 ? 'undo_10' : null,
  provider: null,
  leftMs: (2_870 - index * 43) * MINUTE,
}));

const preview: Answer<'undo.preview'> = {
  items: ['undo_0'],
  tables: [
    {
      table: 'public.bookings',
      insertedBack: 1_202,
      changedBack: 0,
      removedAgain: 0,
      already: 1,
      leftOut: 1,
    },
  ],
  acts: [
    {
      about: 'DROP TABLE public.old_prices',
      statement: 'DROP TABLE public.old_prices',
      steps: ['move public.old_prices back out of the trash', 'give it back to its owner app'],
    },
  ],
  conflicts: [
    {
      kind: 'recreated',
      table: 'public.bookings',
      key: 'id=4711',
      about: 'a row with this key was added since',
      kept: { id: '4711', guest: 'M. Silva', nights: '3', paid: 'true' },
      now: { id: '4711', guest: 'M. Silva', nights: '5', paid: null },
      choice: null,
      choices: ['ours', 'theirs', 'skip'],
    },
  ],
  conflictsTotal: 1,
  undecided: 1,
  notes: ['The sequence bookings_id_seq is not set back.'],
  sql: [
    'INSERT INTO public.bookings SELECT * FROM kept',
    'ALTER TABLE trash.old_prices SET SCHEMA public',
  ],
  isWhole: false,
};

const KINDS = [
  'decision',
  'decision',
  'decision',
  'signed-in',
  'hold-opened',
  'decision',
  'hold-signed',
  'token-issued',
] as const;

function entryOf(index: number): Answer<'trail.list'>['items'][number] {
  const kind = KINDS[index % KINDS.length] ?? 'decision';
  const isDecision = kind === 'decision';
  const verdict =
    (['forward', 'protect', 'hold', 'refuse', 'forward'] as const)[index % 5] ?? 'forward';
  return {
    index,
    kind,
    at: at((index - TRAIL_SIZE) * 1.3),
    agent: isDecision ? (AGENTS[index % AGENTS.length] ?? null) : null,
    target: isDecision ? 'main-db' : null,
    verdict: isDecision ? verdict : null,
    rule: isDecision ? `sealed.${verdict}` : null,
    hold: null,
    text: isDecision
      ? (STATEMENTS[index % STATEMENTS.length] ?? '')
      : `${kind.replace('-', ' ')}: Ana Lopes by passkey from 10.2.0.3`,
    outcome:
      isDecision && verdict !== 'hold'
        ? {
            index: index + 1,
            kind: verdict === 'refuse' ? 'not-forwarded' : 'done',
            words: 'DELETE 12',
          }
        : null,
  };
}

const targets: Answer<'targets.list'> = {
  environments: IS_EMPTY
    ? []
    : [
        {
          name: 'production',
          level: 'sealed',
          people: 2,
          graceMs: 48 * 60 * MINUTE,
          holdLifeMs: 8 * 60 * MINUTE,
          targets: [
            {
              name: 'main-db',
              protocol: 'postgres',
              environment: 'production',
              upstream: 'db.internal:5432',
              protection: { level: 'full', trouble: null, wasProtected: true, seen: true },
              roles: [{ agent: 'cursor-backend', role: 'hf_cursor_backend_1' }],
              undo: { items: 41, oldestAt: at(-2_000), nextPurgeMs: 900 * MINUTE },
              dependents: [
                { provider: 'railway', target: 'railway-production', service: 'main-db' },
              ],
              place: null,
            },
            {
              name: 'railway-production',
              protocol: 'http',
              environment: 'production',
              upstream: 'backboard.railway.example',
              protection: { level: 'full', trouble: null, wasProtected: true, seen: true },
              roles: [],
              undo: { items: 0, oldestAt: null, nextPurgeMs: null },
              dependents: [],
              place: { provider: 'railway', project: 'shop', at: 'production' },
            },
          ],
        },
        {
          name: 'staging',
          level: 'guarded',
          people: 1,
          graceMs: 48 * 60 * MINUTE,
          holdLifeMs: 8 * 60 * MINUTE,
          targets: [
            {
              name: 'billing-db',
              protocol: 'postgres',
              environment: 'staging',
              upstream: null,
              protection: {
                level: 'none',
                trouble: 'the vault store is away: undo data stays in the target',
                wasProtected: true,
                seen: true,
              },
              roles: [],
              undo: { items: 19, oldestAt: at(-900), nextPurgeMs: 1_900 * MINUTE },
              dependents: [],
              place: null,
            },
          ],
        },
      ],
  vault: { bytes: 4_812_000_000, freeBytes: 91_000_000_000, freeBytesMin: 1_000_000_000 },
};

const now: Answer<'now.show'> = {
  at: at(0),
  holds: { waiting: IS_EMPTY ? 0 : 8, signed: IS_EMPTY ? 0 : 1 },
  proposals: { open: IS_EMPTY ? 0 : 1 },
  deferrals: { open: IS_EMPTY ? 0 : 1, nextDueAt: IS_EMPTY ? null : at(2_280) },
  sessions: IS_EMPTY
    ? []
    : AGENTS.map((agent, index) => ({
        id: `session_${index}`,
        agent,
        target: 'main-db',
        since: at(-3 - index * 20),
      })),
  undo: { items: IS_EMPTY ? 0 : 60, nextPurgeMs: IS_EMPTY ? null : 900 * MINUTE },
  targets: targets.environments.flatMap((one) =>
    one.targets.map(({ name, environment, protection }) => ({
      name,
      environment,
      level: protection.level,
      trouble: protection.trouble,
    })),
  ),
  signals: IS_EMPTY
    ? []
    : [
        {
          index: 128_400,
          kind: 'foreign-credential',
          at: at(-6),
          words: 'cursor-backend sent a real Railway token of its own; it was refused',
        },
        {
          index: 128_377,
          kind: 'sign-in-refused',
          at: at(-41),
          words: 'a sign-in as Rui Costa was refused: wrong code, 3 times, from 203.0.113.9',
        },
      ],
  trail: { size: TRAIL_SIZE },
  policy: { version: '9d3f0e1c5b7a2f48', rules: 37 },
};

const people: Answer<'people.list'>['items'] = [
  {
    id: 'person_1',
    name: 'Ana Lopes',
    roles: ['owner'],
    addedAt: at(-90_000),
    joinedAt: at(-90_000),
    passkeys: 2,
    hasCodes: true,
    hasSso: true,
    lastSeenAt: at(-1),
    ownerUntil: null,
  },
  {
    id: 'person_2',
    name: 'Rui Costa',
    roles: ['approver', 'operator'],
    addedAt: at(-80_000),
    joinedAt: at(-80_000),
    passkeys: 1,
    hasCodes: false,
    hasSso: false,
    lastSeenAt: at(-190),
    ownerUntil: null,
  },
  {
    id: 'person_3',
    name: 'Inês <b>Prado</b>',
    roles: ['auditor'],
    addedAt: at(-50),
    joinedAt: null,
    passkeys: 0,
    hasCodes: false,
    hasSso: false,
    lastSeenAt: null,
    ownerUntil: null,
  },
];

const CEDAR =
  '@id("sealed.destroy")\n@verdict("hold")\n@people("2")\nforbid (\n  principal,\n  action == Action::"destroy",\n  resource\n)\nwhen { resource.environment.level == "sealed" };\n';

const policy: Answer<'policy.show'> = {
  version: now.policy.version,
  rules: (['refuse', 'hold', 'hold', 'protect', 'forward'] as const).map((verdict, index) => ({
    id: `sealed.${['foreign', 'destroy', 'change', 'write', 'read'][index]}`,
    where: `preset sealed:${12 + index * 9}`,
    verdict,
    people: verdict === 'hold' ? 2 : 0,
    reason:
      [
        'a real credential came from an agent',
        '{verb} destroys {object}',
        'every change of {environment} waits for people',
        'the rows before are kept first',
        'it only reads',
      ][index] ?? '',
    hint: verdict === 'refuse' ? 'Use the token that Holdfast gave you.' : '',
    isPreset: index !== 2,
    fixed: index === 0 ? 'promise P5 rests on it' : null,
    text: CEDAR,
  })),
  files: [{ path: 'policies/shop.cedar', text: CEDAR }],
  warnings: [],
};

const effect = EFFECTS[2] ?? {
  kind: 'unknown',
  verb: '',
  object: null,
  reach: 'unknown',
  additive: false,
  why: null,
};
const explanation: Answer<'policy.explain'> = {
  policyVersion: now.policy.version,
  target: {
    name: 'main-db',
    environment: 'production',
    level: 'sealed',
    resolvedBy: 'declared in holdfast.yaml',
  },
  protection: { level: 'full', source: 'seen', why: 'looked at 4 s ago' },
  verdict: {
    kind: 'hold',
    rule: 'sealed.destroy',
    reason: 'DROP TABLE destroys public.customers',
    people: 2,
  },
  rule: { id: 'sealed.destroy', where: 'preset sealed:21', text: CEDAR },
  effects: [
    {
      effect,
      verdict: {
        kind: 'hold',
        rule: 'sealed.destroy',
        reason: 'DROP TABLE destroys public.customers',
        people: 2,
      },
      rule: { id: 'sealed.destroy', where: 'preset sealed:21', text: CEDAR },
      reached: null,
      reversal: 'rename',
    },
  ],
  couldNotTell: null,
  takingBack: { level: 'full', reversal: 'rename', reason: '' },
};

const backtest: Answer<'policy.backtest'> = {
  findings: [],
  version: 'aa11',
  decisions: 1_000,
  from: 127_000,
  to: 128_000,
  judged: 962,
  unchanged: 959,
  changed: [127_311, 127_402, 127_880].map((index) => ({
    index,
    at: at(-300),
    agent: 'codex-nightly',
    target: 'main-db',
    text: STATEMENTS[1] ?? '',
    recorded: 'protect',
    inForce: { kind: 'protect', rule: 'sealed.write', reason: 'the rows before are kept first' },
    tried: {
      kind: 'hold',
      rule: 'shop.bookings',
      reason: 'bookings of guests wait for a person',
      people: 1,
    },
  })),
  changedTotal: 3,
  notJudged: [{ why: 'the text was cut when it was recorded', count: 38 }],
  notes: ['Judged with the protection of targets as it is now.'],
};

const agents: Answer<'agents.list'> = { items: IS_EMPTY ? [] : AGENTS.map(agentOf), next: null };

function agentOf(name: string, index: number): Answer<'agents.show'> {
  const workingHours = index === 2 ? 'Mon-Fri 08:00-19:00 Europe/Lisbon' : null;
  const environments = index === 0 ? ['staging', 'production'] : [];
  const note = 'it dropped the wrong index';
  return {
    id: `agent_${index}`,
    name,
    addedAt: at(-9_000),
    purpose: index === 3 ? '' : 'Keeps the schema of the shop in step with its code.',
    owner: index === 3 ? null : { id: 'person_2', name: 'Rui Costa', isRemoved: false },
    environments,
    targets: [],
    effectKinds: index === 1 ? ['read', 'write', 'reshape'] : null,
    workingHours,
    expiresAt: index === 2 ? at(90 * 1_440) : null,
    parent: index === 2 ? 'cursor-backend' : null,
    children: index === 0 ? ['codex-nightly'] : [],
    paused: index === 1 ? { at: at(-20), by: 'Ana Lopes', note } : null,
    state: index === 1 ? 'paused' : index === 2 ? 'off-hours' : 'active',
    stop:
      index === 1
        ? `agent ${name} was paused by Ana Lopes: ${note}`
        : index === 2
          ? `agent ${name} works ${workingHours}, and it is outside of that now`
          : null,
    effective: {
      environments: index === 0 || index === 2 ? ['staging', 'production'] : null,
      targets: null,
      effectKinds: index === 1 ? ['read', 'write', 'reshape'] : null,
      workingHours: workingHours === null ? [] : [workingHours],
      expiresAt: index === 2 ? at(90 * 1_440) : null,
    },
    tokens:
      index === 3
        ? []
        : [
            {
              id: `token_${index}`,
              environment: 'production',
              targets: index === 0 ? [] : ['main-db'],
              issuedAt: at(-120),
              expiresAt: at(360),
              lastUse:
                index === 2 ? null : { at: at(-1), source: '10.2.0.14', protocol: 'postgres' },
            },
          ],
  };
}

const agentFindings: Answer<'agents.findings'> = {
  items: IS_EMPTY
    ? []
    : [
        {
          code: 'agent.no-owner',
          severity: 'warn',
          subject: 'support-bot',
          about: 'nobody answers for support-bot',
          fix: 'Say who answers for it: holdfast agents set support-bot --owner PERSON',
        },
        {
          code: 'token.unused',
          severity: 'act',
          subject: 'codex-nightly',
          about: 'token_2 of codex-nightly was issued 9 days ago and never used',
          fix: 'Revoke it: holdfast agents revoke token_2',
        },
      ],
};

const issued: Answer<'agents.issue'> = {
  token: {
    id: 'token_9',
    agent: 'cursor-backend',
    environment: 'production',
    targets: [],
    expiresAt: at(480),
  },
  text: 'hf_made0up0made0up0made0up0made0up0made0up0made0up0made0',
  opens: ['main-db', 'railway-production'],
  urls: ['postgres://cursor-backend:hf_made0up0made0up@127.0.0.1:6432/main-db'],
  bases: ['http://127.0.0.1:6480/railway'],
};

const self: Answer<'self.show'> = {
  passkeys: [
    {
      id: 'pk1',
      label: 'Ana’s phone',
      addedAt: at(-90_000),
      lastUsedAt: at(-2),
      isBackedUp: true,
      isSuspended: false,
    },
    {
      id: 'pk2',
      label: 'Security key',
      addedAt: at(-70_000),
      lastUsedAt: null,
      isBackedUp: false,
      isSuspended: true,
    },
  ],
  hasCodes: true,
  recoveryCodesLeft: 7,
  sso: null,
};

const night = { from: '22:00', to: '07:00', zone: 'Europe/Lisbon' };
const notifications: Answer<'notifications.show'> = IS_EMPTY
  ? { channels: [], routes: [], escalateAfterMs: 900_000, digestEveryMs: 86_400_000 }
  : {
      channels: [
        { name: 'team', kind: 'slack', host: null, urgent: false, quietHours: night },
        { name: 'mail', kind: 'smtp', host: 'mail.example.com', urgent: false, quietHours: night },
        {
          name: 'on-call',
          kind: 'ntfy',
          host: 'ntfy.example.com',
          urgent: true,
          quietHours: night,
        },
        {
          name: 'siem',
          kind: 'webhook',
          host: 'siem.example.com',
          urgent: false,
          quietHours: null,
        },
        { name: 'browsers', kind: 'web-push', host: null, urgent: false, quietHours: null },
      ],
      routes: [
        {
          kinds: ['hold-opened', 'hold-decided', 'proposal-opened'],
          environments: ['staging', 'production'],
          importance: null,
          to: ['team', 'browsers'],
          escalate: [['mail'], ['on-call']],
        },
        { kinds: null, environments: null, importance: 'digest', to: ['siem'], escalate: [] },
      ],
      escalateAfterMs: 900_000,
      digestEveryMs: 86_400_000,
    };

const UA =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/140.0 Safari/537.36';
const told: Answer<'self.push.list'> = {
  publicKey: IS_EMPTY ? null : 'BPeYeOJ0CmM3kGUFu3Bs0m1k2mI0c4nS3nVYJmE1h0mH',
  items: [
    {
      id: 'push_1',
      host: 'updates.push.services.mozilla.com',
      userAgent: UA,
      addedAt: at(-9_000),
      endsAt: at(34_000),
      isThisSession: false,
    },
  ],
};

const sessions: Answer<'self.sessions.list'> = {
  items: [
    {
      id: 's1',
      kind: 'browser',
      method: 'passkey',
      userAgent: UA,
      source: '10.2.0.3',
      openedAt: at(-60),
      lastUsedAt: at(0),
      expiresAt: at(600),
      isThisOne: true,
    },
    {
      id: 's2',
      kind: 'command-line',
      method: 'totp',
      userAgent: 'ana-laptop',
      source: '10.2.0.3',
      openedAt: at(-90),
      lastUsedAt: at(-30),
      expiresAt: at(500),
      isThisOne: false,
    },
  ],
};

function pageOf<T>(
  url: URL,
  total: number,
  item: (index: number) => T,
): { items: T[]; next: string | null } {
  const limit = Number(url.searchParams.get('limit') ?? 50);
  const from = Number(url.searchParams.get('cursor') ?? 0);
  const to = Math.min(total, from + limit);
  const items = Array.from({ length: Math.max(0, to - from) }, (_, index) => item(from + index));
  return { items, next: to < total ? String(to) : null };
}

function problem(
  status: number,
  code: string,
  title: string,
  expected: string,
  found: string,
  hint: string,
): Reply {
  return [
    status,
    { type: `urn:holdfast:error:${code}`, title, status, code, expected, found, hint },
  ];
}

const FIXED: Readonly<Record<string, unknown>> = {
  'GET /v1/session': session,
  'GET /v1/roles': {
    roles: ['owner', 'approver', 'operator', 'auditor'],
    permissions: PERMISSIONS,
  },
  'GET /v1/now': now,
  'GET /v1/proposals': { items: IS_EMPTY ? [] : proposals, next: null },
  'GET /v1/deferrals': { items: IS_EMPTY ? [] : deferrals, next: null },
  'GET /v1/undo': { items: IS_EMPTY ? [] : undoItems, next: null, away: [] },
  'POST /v1/undo/preview': preview,
  'GET /v1/trail/status': {
    size: TRAIL_SIZE,
    origin: 'holdfast.example/trail',
    key: 'k',
    checkpoint: null,
  },
  'GET /v1/targets': targets,
  'GET /v1/people': { items: people },
  'GET /v1/people/invites': {
    items: [
      {
        id: 'i1',
        person: 'Inês Prado',
        personId: 'person_3',
        roles: ['auditor'],
        invitedBy: 'Ana Lopes',
        madeAt: at(-50),
        expiresAt: at(1_300),
      },
    ],
  },
  'POST /v1/people/invites': { invite: {}, link: 'https://holdfast.example/join#2f7b0c91d8e4a6b3' },
  'GET /v1/policy': policy,
  'POST /v1/policy/explain': explanation,
  'POST /v1/policy/backtest': backtest,
  'GET /v1/agents': agents,
  'GET /v1/agent-findings': agentFindings,
  'POST /v1/agents/cursor-backend/tokens': issued,
  'GET /v1/self': self,
  'GET /v1/self/sessions': sessions,
  'GET /v1/self/push': told,
  'POST /v1/self/push/test': { items: [{ id: 'push_1', isDelivered: true, reason: null }] },
  'GET /v1/notifications': notifications,
  'POST /v1/join': { name: null, roles: ['owner'], expiresAt: at(55) },
  'POST /v1/join/code/options': {
    ceremony: 'ceremony_0123456789abcdef',
    uri: 'otpauth://totp/Holdfast:Ana?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Holdfast',
  },
  'POST /v1/device/look': {
    machine: 'ana-laptop',
    source: '10.2.0.3',
    askedAt: at(-1),
    expiresAt: at(9),
  },
};

const ALL_HOLDS = Array.from({ length: HOLD_COUNT }, (_, index) => lineOf(holdOf(index)));
const OPEN_HOLDS = ALL_HOLDS.filter(({ state }) => state === 'waiting' || state === 'signed');

export function answerTo(method: string, url: URL, _body: string): Reply {
  const fixed = FIXED[`${method} ${url.pathname}`];
  if (fixed !== undefined) return [200, fixed];
  if (url.pathname === '/v1/holds') {
    const isAll = url.searchParams.get('state') === 'all';
    const holds = isAll ? ALL_HOLDS : OPEN_HOLDS;
    return [200, pageOf(url, holds.length, (index) => holds[index])];
  }
  const agent = /^\/v1\/agents\/([a-z-]+)$/.exec(url.pathname);
  if (agent !== null) {
    const name = agent[1] ?? '';
    return [200, agentOf(name, AGENTS.indexOf(name))];
  }
  const hold = /^\/v1\/holds\/hold_(\d+)$/.exec(url.pathname);
  if (hold !== null) return [200, holdOf(Number(hold[1]))];
  if (url.pathname === '/v1/trail') {
    if (IS_EMPTY) return [200, { items: [], next: null, size: 0, lookedTo: null, behind: 0 }];
    const page = pageOf(url, TRAIL_SIZE, (index) => entryOf(TRAIL_SIZE - 1 - index));
    return [200, { ...page, size: TRAIL_SIZE, lookedTo: null, behind: 0 }];
  }
  const entry = /^\/v1\/trail\/(\d+)$/.exec(url.pathname);
  if (entry !== null) {
    const index = Number(entry[1]);
    return [200, { index, entry: { ...entryOf(index), v: 1 }, json: '{}', outcome: index + 1 }];
  }
  if (/\/past$/.test(url.pathname)) return [200, past];
  if (/\/(approve|deny|challenge)$/.test(url.pathname)) {
    return problem(
      409,
      'HF_QUORUM',
      'Somebody else has to sign',
      'a person who has not signed yet',
      'Ana Lopes, who answers for this agent',
      'Ask another approver.',
    );
  }
  return problem(
    404,
    'HF_NOT_FOUND',
    'There is no such thing',
    'a route of /v1/openapi.json',
    `${method} ${url.pathname}`,
    'See the list of routes there.',
  );
}
