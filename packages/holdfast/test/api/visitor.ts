/** A browser that keeps its cookies and its page's secret, with a passkey and an authenticator app at hand. */
import { sql } from 'kysely';
import type { z } from 'zod';
import { ROUTES } from '../../src/api/contract/index.ts';
import type { Role } from '../../src/identity/roles.ts';
import { ATTEMPTS_WINDOW_MS } from '../../src/model/limits.ts';
import { authenticator } from '../../src/testing/authenticator.ts';
import { type Lies, SoftwarePasskey } from '../../src/testing/software-passkey.ts';
import type { Answered, ApiWorld, AskOptions } from './support.ts';

export interface JoinedPerson {
  readonly browser: Visitor;
  readonly passkey: SoftwarePasskey;
  readonly recoveryCodes: readonly string[];
  readonly id: string;
}

export class Visitor {
  readonly cookies = new Map<string, string>();
  /** As the dashboard keeps it in its origin's storage. */
  page: string | null = null;
  readonly #world: ApiWorld;
  readonly #headers: Readonly<Record<string, string>>;

  /** `headers`: where it believes to be, when that is not ORIGIN. */
  constructor(world: ApiWorld, headers: Readonly<Record<string, string>> = {}) {
    this.#world = world;
    this.#headers = headers;
  }

  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  async ask(path: string, options: AskOptions = {}): Promise<Answered> {
    const headers = { ...this.#headers, ...options.headers };
    const asked = { ...options, headers };
    const answer = await this.#world.ask(path, asked, this);
    this.page = pageIn(answer) ?? this.page;
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
      const [pair = '', ...settings] = String(line).split('; ');
      const [name = '', value = ''] = pair.split('=');
      if (value === '' || settings.includes('Max-Age=0')) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }

  post(path: string, body: object = {}): Promise<Answered> {
    return this.ask(path, { method: 'POST', body });
  }

  /** `name` is for the first owner only, who chooses one. */
  async joinByPasskey(
    invitation: string,
    options: { name?: string; lies?: Lies; passkey?: SoftwarePasskey } = {},
  ): Promise<Answered & { readonly passkey: SoftwarePasskey }> {
    const { lies, name, passkey = new SoftwarePasskey() } = options;
    const body = name === undefined ? { invitation } : { invitation, name };
    const begun = await this.post('/v1/join/passkey/options', body);
    if (begun.status !== 200) return { ...begun, passkey };
    const creation = read('join.passkey.begin', begun);
    const answer = await this.post('/v1/join/passkey', {
      invitation,
      ceremony: creation.ceremony,
      label: 'key',
      response: webauthn(passkey.create(creation.options, lies)),
    });
    return { ...answer, passkey };
  }

  async signIn(passkey: SoftwarePasskey, lies?: Lies): Promise<Answered> {
    const begun = read('signIn.passkey.begin', await this.post('/v1/sign-in/passkey/options'));
    const response = webauthn(passkey.get(begun.options, lies));
    return this.post('/v1/sign-in/passkey', { ceremony: begun.ceremony, response });
  }

  async prove(passkey: SoftwarePasskey, lies?: Lies): Promise<Answered> {
    const begun = read('session.prove.begin', await this.post('/v1/session/prove/options'));
    const response = webauthn(passkey.get(begun.options, lies));
    return this.post('/v1/session/prove', { ceremony: begun.ceremony, response });
  }

  async addPasskey(passkey: SoftwarePasskey, lies?: Lies): Promise<Answered> {
    const begun = await this.post('/v1/self/passkeys/options');
    if (begun.status !== 200) return begun;
    const { ceremony, options } = read('self.passkeys.begin', begun);
    const response = webauthn(passkey.create(options, lies));
    return this.post('/v1/self/passkeys', { ceremony, label: 'another', response });
  }

  /** Of one's own, replacing those before; the authenticator that shows them. */
  async addCodes(): Promise<(at: Date) => string> {
    const begun = read('self.codes.begin', await this.post('/v1/self/codes/options'));
    const codes = authenticator(begun.uri);
    const { ceremony } = begun;
    const code = codes(this.#world.clock.now());
    read('self.codes.add', await this.post('/v1/self/codes', { ceremony, code }));
    return codes;
  }
}

/** The first owner, by the link that the gateway prints. */
export async function firstOwner(world: ApiWorld, name = 'ana'): Promise<JoinedPerson> {
  const invitation = await world.rooms.ways.invites.makeFirst();
  const browser = new Visitor(world);
  return joined(browser, await browser.joinByPasskey(invitation ?? '', { name }));
}

/** Invited by an owner, joined with a passkey, signed in. */
export async function join(
  world: ApiWorld,
  owner: Visitor,
  name: string,
  roles: readonly Role[],
): Promise<JoinedPerson> {
  const browser = new Visitor(world);
  return joined(browser, await browser.joinByPasskey(await invite(owner, name, roles)));
}

/** The secret of a fresh link. */
export async function invite(
  owner: Visitor,
  name: string,
  roles: readonly Role[],
): Promise<string> {
  const answer = await owner.post('/v1/people/invites', { name, roles });
  return secretOf(read('people.invites.make', answer).link);
}

export function secretOf(link: string): string {
  return new URL(link).hash.slice(1);
}

function joined(
  browser: Visitor,
  answer: Answered & { readonly passkey: SoftwarePasskey },
): JoinedPerson {
  const { person, recoveryCodes } = read('join.passkey', answer);
  return { browser, passkey: answer.passkey, recoveryCodes, id: person.id };
}

/** As the contract has it; what is no such answer fails the test with what it is. */
export function read<Name extends keyof typeof ROUTES>(
  name: Name,
  { json, status }: Answered,
): z.output<(typeof ROUTES)[Name]['answer']>;
export function read(name: keyof typeof ROUTES, { json, status }: Answered): unknown {
  if (status !== 200) throw new Error(`${name}: ${status} ${JSON.stringify(json)}`);
  return ROUTES[name].answer.parse(json);
}

/** What is said to a server of it: the kinds that our contract knows. */
export function webauthn<Response extends { id: string; rawId: string; response: object }>({
  id,
  rawId,
  response,
}: Response) {
  return { id, rawId, type: 'public-key', response };
}

/** The page's secret, where an answer has one. */
function pageIn({ json }: Answered): string | null {
  if (typeof json !== 'object' || json === null || !('page' in json)) return null;
  return typeof json.page === 'string' ? json.page : null;
}

/** All that was written down so far. */
export async function trailText({ rooms }: ApiWorld): Promise<string> {
  const log = await rooms.trail();
  await log.flush();
  const entries = await rooms.trailStore.read(0n, 10_000);
  return entries.map(({ bytes }) => bytes.toString('utf8')).join('\n');
}

/** As on the first day; an hour's attempts are forgotten, too. */
export async function forgetEverybody({ clock, rooms }: ApiWorld): Promise<void> {
  clock.pass(ATTEMPTS_WINDOW_MS);
  await rooms.database.run((db) =>
    sql`truncate holdfast.people, holdfast.ceremonies, holdfast.holds cascade`.execute(db),
  );
}
