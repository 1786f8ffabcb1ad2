/**
 * Inviting people by a one-time link, and joining by one. The link's secret stands behind `#`, where no
 * server and no log sees it; at rest there is its hash. It lives INVITE_LIFE_MS and is used once.
 *
 * Joining is choosing a way to sign in: a passkey, or one-time codes where the browser has none. The person
 * then gets their recovery codes, once. Nobody can be handed a second identity by a link: who has a way to
 * sign in of their own is not invited again (who lost all of them is removed, and comes back as new).
 *
 * The first owner: while nobody can sign in, `makeFirst` makes a link for whoever reads the terminal of the
 * gateway. There is no page that makes its first visitor an owner.
 */
import { z } from 'zod';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent, Note } from '../model/event.ts';
import { newId } from '../model/ids.ts';
import { INVITE_LIFE_MS } from '../model/limits.ts';
import type { Ceremonies } from './ceremonies.ts';
import { type Codes, OFFERED, offerOver } from './codes.ts';
import { noting, type Recorded } from './intents.ts';
import type { InviteRecord, InviteStore, JoinEnd, Joining } from './invite-store.ts';
import { checkName } from './names.ts';
import {
  addedEvent,
  type CreatedPasskey,
  type Passkeys,
  type PersonRef,
  refuseUnadded,
} from './passkeys.ts';
import type { People } from './people.ts';
import type { RecoveryCodes } from './recovery-codes.ts';
import type { Role } from './roles.ts';
import { hashSecret, isSecret, newSecret } from './secrets.ts';

export interface InviteParts {
  readonly store: InviteStore;
  readonly people: People;
  readonly passkeys: Passkeys;
  readonly codes: Codes;
  readonly recovery: RecoveryCodes;
  readonly ceremonies: Ceremonies;
  readonly clock: Clock;
  readonly note: Note;
  /** Left out: entries alone, after the change. */
  readonly recorded?: Recorded;
}

export interface MadeInvite {
  readonly invite: InviteRecord;
  /** `hfi_…`: the only time it is seen. */
  readonly secret: string;
}

export interface Joined {
  readonly person: PersonRef;
  readonly roles: readonly Role[];
  readonly recoveryCodes: readonly string[];
}

const JOINING = z.object({ personId: z.string(), name: z.string(), invite: z.string() });
const OFFERED_JOINING = JOINING.extend(OFFERED.shape);

export class Invites {
  readonly #parts: InviteParts;
  readonly #recorded: Recorded;

  constructor(parts: InviteParts) {
    this.#parts = parts;
    this.#recorded = parts.recorded ?? noting(parts.note);
  }

  /** HF_USAGE, HF_EXISTS. `by`: who invites, for the trail. */
  async make(name: string, roles: readonly Role[], by: string): Promise<MadeInvite> {
    return await this.#recorded.around(
      {
        kind: 'person-invited',
        facts: { person: name, roles: roles.join(', '), by },
        message: `${by} was inviting ${name} as ${roles.join(', ')}.`,
      },
      async () => {
        const person = await this.#parts.people.expect(name, roles);
        return await this.#link(person, person.roles, by);
      },
      // The link has its own.
      () => [],
    );
  }

  /** HF_NOT_FOUND; HF_EXISTS for who can sign in by a way of their own. */
  async again(personId: string, by: string): Promise<MadeInvite> {
    const person = await this.#parts.people.byId(personId);
    if (person.confirmedAt !== null) {
      throw new HoldfastError('HF_EXISTS', {
        expected: 'a person who has no passkey and no codes yet',
        found: `${person.name}, who has`,
        hint: 'Who lost all of them is removed and invited anew: nobody is handed another’s identity.',
      });
    }
    return this.#link(person, person.roles, by);
  }

  /** Null: somebody can sign in already. One at a time: it ends the one before. */
  async makeFirst(): Promise<string | null> {
    const { people, store } = this.#parts;
    if (!(await people.isNobodyYet())) return null;
    const { row, secret } = this.#fresh(null, 'the first start');
    await store.add(row);
    return secret;
  }

  list(): Promise<readonly InviteRecord[]> {
    return this.#parts.store.list(this.#parts.clock.now());
  }

  async cancel(id: string, by: string): Promise<boolean> {
    const { clock, store } = this.#parts;
    const cancelled = (name: string | null): HoldfastEvent => ({
      kind: 'invite-cancelled',
      facts: { invite: id, person: name, by },
      message: `The invitation of ${name ?? 'somebody'} was cancelled.`,
    });
    const name = await this.#recorded.around(
      cancelled(null),
      () => store.cancel(id, clock.now()),
      (whose) => (whose === null ? [] : [cancelled(whose)]),
    );
    return name !== null;
  }

  /** HF_INVITE. */
  async look(secret: string): Promise<InviteRecord> {
    const { clock, store } = this.#parts;
    const hash = isSecret('hfi', secret) ? hashSecret(secret) : null;
    const invite = hash === null ? null : await store.bySecret(hash, clock.now());
    if (invite === null) throw gone();
    return invite;
  }

  async beginPasskey(secret: string, chosen: string | undefined) {
    const { ceremonies, passkeys } = this.#parts;
    const { facts, person } = await this.#whoJoins(secret, chosen);
    return passkeys.creation(await ceremonies.begin('passkey-join', facts), person, []);
  }

  /** HF_INVITE, HF_PASSKEY, HF_EXISTS. */
  async joinByPasskey(
    secret: string,
    answer: { readonly ceremony: string; readonly label: string; readonly created: CreatedPasskey },
  ): Promise<Joined> {
    const { ceremonies, passkeys } = this.#parts;
    const ceremony = await ceremonies.take(answer.ceremony, 'passkey-join', JOINING);
    const invite = await this.look(secret);
    if (ceremony === null || ceremony.facts.invite !== invite.id) throw gone();
    const { name, personId } = ceremony.facts;
    const { challenge } = ceremony;
    const passkey = await passkeys.verifyNew(personId, challenge, answer.label, answer.created);
    const person = { id: personId, name };
    return await this.#join(secret, person, { kind: 'passkey', passkey });
  }

  async beginCodes(secret: string, chosen: string | undefined) {
    const { facts, person } = await this.#whoJoins(secret, chosen);
    return this.#parts.codes.offer(person, 'codes-join', facts);
  }

  /** HF_INVITE, HF_TOTP_WRONG, HF_EXISTS. */
  async joinByCodes(secret: string, ceremonyId: string, code: string): Promise<Joined> {
    const { ceremonies, codes } = this.#parts;
    const ceremony = await ceremonies.take(ceremonyId, 'codes-join', OFFERED_JOINING);
    const invite = await this.look(secret);
    if (ceremony === null || ceremony.facts.invite !== invite.id) throw offerOver();
    const { name, personId, sealed } = ceremony.facts;
    const totpSealed = Buffer.from(sealed, 'base64');
    const step = codes.firstStep(personId, totpSealed, code);
    return this.#join(secret, { id: personId, name }, { kind: 'codes', totpSealed, step });
  }

  /** For a join through another provider. HF_INVITE; also when that identity is somebody's here. */
  async joinBySso(
    secretHash: Buffer,
    identity: { readonly issuer: string; readonly subject: string },
  ): Promise<PersonRef> {
    const { clock, store } = this.#parts;
    const { issuer } = identity;
    const joined = (name: string, personId: string | null): HoldfastEvent => ({
      kind: 'person-joined',
      facts: { person: name, personId, method: 'sso', issuer },
      message: `${name} joined through ${issuer}, and signs nothing yet.`,
    });
    return await this.#recorded.around(
      joined('somebody', null),
      async () => {
        const person = await store.useForSso(secretHash, identity, clock.now());
        if (person === null) throw gone();
        return person;
      },
      (person) => [joined(person.name, person.id)],
    );
  }

  async #join(secret: string, person: PersonRef, proof: Joining['proof']): Promise<Joined> {
    const { clock, recovery, store } = this.#parts;
    const { codes, hashes } = recovery.fresh(person.id);
    const joined = (roles: readonly Role[]): HoldfastEvent => ({
      kind: 'person-joined',
      facts: {
        person: person.name,
        personId: person.id,
        roles: roles.join(', '),
        method: proof.kind === 'codes' ? 'totp' : 'passkey',
      },
      message: `${person.name} joined by a one-time link, as ${roles.join(', ')}.`,
    });
    const { roles: invited } = await this.look(secret);
    const roles = await this.#recorded.around(
      joined(invited),
      async () => {
        const end = await store.join(
          { secretHash: hashSecret(secret), person, proof, recoveryHashes: hashes },
          clock.now(),
        );
        return rolesOf(end, person.name);
      },
      (as) => [
        joined(as),
        ...(proof.kind === 'passkey' ? [addedEvent(person, proof.passkey)] : []),
      ],
    );
    return { person, roles, recoveryCodes: codes };
  }

  async #whoJoins(
    secret: string,
    chosen: string | undefined,
  ): Promise<{ readonly person: PersonRef; readonly facts: z.output<typeof JOINING> }> {
    const invite = await this.look(secret);
    if (invite.person === null) checkName('person', chosen ?? '');
    const person = invite.person ?? {
      id: newId('person', this.#parts.clock),
      name: chosen ?? '',
    };
    return { person, facts: { personId: person.id, name: person.name, invite: invite.id } };
  }

  async #link(person: PersonRef, roles: readonly Role[], by: string): Promise<MadeInvite> {
    const { store } = this.#parts;
    const { row, secret } = this.#fresh(person.id, by);
    const event: HoldfastEvent = {
      kind: 'person-invited',
      facts: {
        person: person.name,
        personId: person.id,
        roles: roles.join(', '),
        invite: row.id,
        by,
      },
      message: `${by} invited ${person.name} as ${roles.join(', ')}.`,
    };
    await this.#recorded.around(
      event,
      () => store.add(row),
      () => [event],
    );
    const { expiresAt, id, invitedBy, madeAt } = row;
    return { secret, invite: { id, person, roles, invitedBy, madeAt, expiresAt } };
  }

  #fresh(personId: string | null, invitedBy: string) {
    const { clock } = this.#parts;
    const secret = newSecret('hfi', clock);
    const madeAt = clock.now();
    const expiresAt = new Date(madeAt.getTime() + INVITE_LIFE_MS);
    const id = newId('invite', clock);
    const row = { id, secretHash: hashSecret(secret), personId, invitedBy, madeAt, expiresAt };
    return { row, secret };
  }
}

function rolesOf(end: JoinEnd, name: string): readonly Role[] {
  switch (end.kind) {
    case 'joined':
      return end.roles;
    case 'gone':
      throw gone();
    case 'known':
      refuseUnadded('known');
      throw gone();
    case 'taken':
      throw new HoldfastError('HF_EXISTS', {
        expected: 'a name that is free',
        found: `a person named ${name}`,
        hint: 'Choose another name.',
      });
    default:
      return end satisfies never;
  }
}

function gone(): HoldfastError {
  return new HoldfastError('HF_INVITE', {
    expected: 'a link that was not used yet, within a day',
    found: 'one that was used, ran out or was taken back, or never was',
    hint: 'Ask an owner for a new one. If it was used and not by you, tell them at once.',
  });
}
