/** How people sign in, join, and keep what they sign in with, built on the store. */
import type { Config, Env } from './config/config.ts';
import { resolveSecret } from './config/upstream.ts';
import { Ceremonies } from './identity/ceremonies.ts';
import { Codes } from './identity/codes.ts';
import { Devices } from './identity/devices.ts';
import { Intents, type Recorded } from './identity/intents.ts';
import { Invites } from './identity/invites.ts';
import { Oidc } from './identity/oidc.ts';
import { Passkeys } from './identity/passkeys.ts';
import { People } from './identity/people.ts';
import { ProofKeys } from './identity/proof-keys.ts';
import { RecoveryCodes } from './identity/recovery-codes.ts';
import type { Seal } from './identity/seal.ts';
import { Sessions } from './identity/sessions.ts';
import { Sso } from './identity/sso.ts';
import type { Totp } from './identity/totp.ts';
import type { Clock } from './model/clock.ts';
import { messageOf } from './model/errors.ts';
import type { HoldfastEvent, Note } from './model/event.ts';
import { SqlCeremonyStore } from './store/ceremony-store.ts';
import type { Database } from './store/database.ts';
import { SqlDeviceStore } from './store/device-store.ts';
import { SqlIntentStore } from './store/intent-store.ts';
import { SqlInviteStore } from './store/invite-store.ts';
import { SqlPasskeyStore } from './store/passkey-store.ts';
import { SqlPeopleStore } from './store/people-store.ts';
import { SqlRecoveryStore } from './store/recovery-store.ts';
import { SqlSessionStore } from './store/session-store.ts';
import { SqlSsoStore } from './store/sso-store.ts';

export interface PeopleRoomParts {
  readonly config: Config;
  readonly env: Env;
  readonly clock: Clock;
  readonly database: Database;
  readonly seal: Seal;
  readonly totp: Totp;
  readonly note: Note;
  /** Durable when it resolves. */
  readonly record: (event: HoldfastEvent) => Promise<void>;
  /** For the operator's log. */
  readonly say: (level: 'info' | 'warn', message: string) => void;
}

export interface PeopleRoom {
  /** Changes of people and agents, until they are in the trail. */
  readonly intents: Intents;
  readonly people: People;
  readonly sessions: Sessions;
  readonly passkeys: Passkeys;
  readonly codes: Codes;
  readonly recovery: RecoveryCodes;
  readonly invites: Invites;
  readonly devices: Devices;
  /** Null: there is no identity provider. */
  readonly sso: Sso | null;
  readonly site: Site;
}

/** Where people's browsers see us; on a free port known only once somebody listens. */
export class Site {
  readonly proofKeys: ProofKeys;
  #origin: string;

  constructor(seal: Seal, url: string) {
    this.proofKeys = new ProofKeys(seal, url);
    this.#origin = new URL(url).origin;
  }

  get origin(): string {
    return this.#origin;
  }

  /** Under the same host name, or passkeys would be bound to another. */
  isAt(url: string): void {
    this.proofKeys.alsoAt(url);
    this.#origin = new URL(url).origin;
  }
}

export function openPeopleRoom(parts: PeopleRoomParts): PeopleRoom {
  const { clock, config, database, note, seal, totp } = parts;
  const site = new Site(seal, config.dashboard.url);
  const { rows } = site.proofKeys;
  const store = new SqlPeopleStore(database, site.proofKeys);
  const ceremonies = new Ceremonies(new SqlCeremonyStore(database, rows), clock);
  const intents = new Intents({
    store: new SqlIntentStore(database, rows),
    clock,
    record: parts.record,
    trouble: (error) => parts.say('warn', `An entry has to wait: ${messageOf(error)}`),
  });
  const recorded = intents;
  const people = new People({ store, totp, clock, note, recorded });
  const sessions = new Sessions({ store: new SqlSessionStore(database, rows), clock });
  const passkeys = new Passkeys({
    store: new SqlPasskeyStore(database, site.proofKeys),
    ceremonies,
    keys: site.proofKeys,
    clock,
    note,
    recorded,
  });
  const codes = new Codes({ store, totp, ceremonies, note, recorded });
  const recovery = new RecoveryCodes({ store: new SqlRecoveryStore(database, rows), clock, note });
  const invites = new Invites({
    store: new SqlInviteStore(database, rows),
    people,
    passkeys,
    codes,
    recovery,
    ceremonies,
    clock,
    note,
    recorded,
  });
  return {
    intents,
    people,
    sessions,
    passkeys,
    codes,
    recovery,
    invites,
    devices: new Devices({ store: new SqlDeviceStore(database, rows), sessions, clock, note }),
    sso: ssoOf(parts, { ceremonies, invites, recorded, site }),
    site,
  };
}

function ssoOf(
  { clock, config, database, env, note }: PeopleRoomParts,
  beside: {
    readonly ceremonies: Ceremonies;
    readonly invites: Invites;
    readonly recorded: Recorded;
    readonly site: Site;
  },
): Sso | null {
  const { oidc } = config.signIn;
  if (oidc === null) return null;
  const { allow, clientId, issuer, roles, scopes } = oidc;
  const clientSecret = resolveSecret(oidc.clientSecret, env);
  return new Sso({
    oidc: new Oidc({
      client: { issuer, clientId, clientSecret, scopes },
      ceremonies: beside.ceremonies,
      clock,
      returnsTo: () => `${beside.site.origin}/sso`,
    }),
    store: new SqlSsoStore(database, beside.site.proofKeys),
    rules: { ...allow, roles },
    invites: beside.invites,
    clock,
    note,
    recorded: beside.recorded,
  });
}
