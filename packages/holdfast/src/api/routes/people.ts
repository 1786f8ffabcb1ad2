import { approvalHash } from '../../approvals/binding.ts';
import { breakGlassAct } from '../../approvals/break-glass.ts';
import type { PersonWord } from '../../approvals/hold-store.ts';
import type { ProposalRecord, Proposals } from '../../approvals/proposals.ts';
import type { Codes } from '../../identity/codes.ts';
import type { InviteRecord } from '../../identity/invite-store.ts';
import type { Invites, MadeInvite } from '../../identity/invites.ts';
import type { Passkeys } from '../../identity/passkeys.ts';
import { type Actor, notTheirs, type People } from '../../identity/people.ts';
import type { PersonOverview } from '../../identity/people-store.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Role } from '../../identity/roles.ts';
import type { Sessions } from '../../identity/sessions.ts';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Note } from '../../model/event.ts';
import type { PEOPLE_ROUTES } from '../contract/people.ts';
import { pageByName } from '../cursor.ts';
import type { Handlers } from '../handler.ts';
import { personOf } from '../person.ts';
import { sessionView } from './self.ts';
import { signedOut } from './session.ts';

export interface PeopleRouteParts {
  readonly people: People;
  readonly sessions: Sessions;
  readonly codes: Pick<Codes, 'remove'>;
  readonly invites: Invites;
  readonly proposals: Proposals;
  readonly passkeys: Pick<Passkeys, 'toSign'>;
  readonly clock: Clock;
  readonly note: Note;
  /** Our own pages, as browsers see them. */
  readonly origin: () => string;
}

export function peopleRoutes(parts: PeopleRouteParts): Handlers<typeof PEOPLE_ROUTES> {
  const { clock, codes, invites, note, origin, passkeys, people, proposals, sessions } = parts;
  const made = ({ invite, secret }: MadeInvite) => ({
    invite: inviteView(invite),
    link: joinUrl(origin(), secret),
  });
  const viewOf = async (id: string) => personView(await people.byId(id), clock.now());
  return {
    'people.list': async ({ query }) =>
      pageByName(await people.overview(), query, (person) => personView(person, clock.now())),
    'people.roles': async ({ body, params, principal }) => {
      const { name } = await people.byId(params.id);
      await people.setRoles(name, body.roles, actorOf(principal));
      return viewOf(params.id);
    },
    'people.remove': async ({ params, principal }) => {
      const { name } = await people.byId(params.id);
      await people.remove(name, actorOf(principal));
      return { removed: true };
    },
    'people.codes.remove': async ({ params, principal }) => {
      const person = await people.byId(params.id);
      requireStanding(principal, person.roles);
      return { removed: await codes.remove(person, nameOf(principal)) };
    },
    'people.invites.list': async () => ({ items: (await invites.list()).map(inviteView) }),
    'people.invites.make': async ({ body, principal }) => {
      requireStanding(principal, body.roles);
      return made(await invites.make(body.name, body.roles, nameOf(principal)));
    },
    'people.invites.again': async ({ params, principal }) => {
      requireStanding(principal, (await people.byId(params.id)).roles);
      return made(await invites.again(params.id, nameOf(principal)));
    },
    'people.invites.cancel': async ({ params, principal }) => ({
      cancelled: await invites.cancel(params.id, nameOf(principal)),
    }),
    'people.sessions.list': async ({ params }) => {
      const { id } = await people.byId(params.id);
      return { items: (await sessions.list(id)).map(sessionView) };
    },
    'people.sessions.close': async ({ params, principal }) => {
      const person = await people.byId(params.id);
      const closed = await sessions.close(params.session, person.id);
      if (closed) await note(signedOut(person, params.session, nameOf(principal)));
      return { closed };
    },
    'breakGlass.propose': async ({ body, principal }) => {
      const person = personOf(principal);
      const open = (await proposals.list('open')).find((one) => isFor(one, person.id));
      const act = breakGlassAct(person, body.reason, clock.now());
      return proposalView(open ?? (await proposals.open(act)));
    },
    'breakGlass.challenge': async ({ params, principal }) => {
      const proposal = await proposals.show(params.id);
      if (proposal.card.actKind !== 'break-glass') throw another(params.id);
      const { approve, bindings } = await proposals.challenges(params.id);
      const asked = await passkeys.toSign(personOf(principal), approve);
      return { ...asked, binding: bindings.approve };
    },
    'breakGlass.sign': async ({ body, params, principal }) => {
      const { id: personId, name } = personOf(principal);
      const proposal = await proposals.show(params.id);
      if (proposal.card.actKind !== 'break-glass') throw another(params.id);
      const word: PersonWord =
        'code' in body
          ? {
              kind: 'totp',
              holdId: params.id,
              person: name,
              code: body.code,
              digestShown: body.digest,
            }
          : {
              kind: 'passkey',
              holdId: params.id,
              personId,
              assertion: body.response,
              digestShown: null,
            };
      return proposalView(await proposals.approve(word));
    },
  };
}

/** The secret stands behind `#`: browsers send it to nobody. */
export function joinUrl(origin: string, secret: string): string {
  return `${origin}/join#${secret}`;
}

function isFor({ card }: ProposalRecord, personId: string): boolean {
  return card.actKind === 'break-glass' && card.act.includes(`"person":"${personId}"`);
}

function actorOf(principal: Principal | null): Actor | undefined {
  return principal?.kind === 'person' ? principal : undefined;
}

/** Owners are made by owners, not by who is one for an hour. HF_FORBIDDEN. */
export function requireStanding(principal: Principal | null, roles: readonly Role[]): void {
  if (principal?.kind === 'person' && principal.isRaised && roles.includes('owner')) {
    throw notTheirs();
  }
}

function nameOf(principal: Principal | null): string {
  return principal?.kind === 'person' ? principal.name : 'the machine';
}

function personView(person: PersonOverview, now: Date) {
  const { ownerUntil } = person;
  return {
    id: person.id,
    name: person.name,
    roles: [...person.roles],
    addedAt: person.addedAt.toISOString(),
    joinedAt: person.confirmedAt?.toISOString() ?? null,
    passkeys: person.passkeys,
    hasCodes: person.hasCodes,
    hasSso: person.hasSso,
    lastSeenAt: person.lastSeenAt?.toISOString() ?? null,
    ownerUntil: ownerUntil !== null && ownerUntil > now ? ownerUntil.toISOString() : null,
  };
}

function inviteView({ expiresAt, id, invitedBy, madeAt, person, roles }: InviteRecord) {
  return {
    id,
    person: person?.name ?? '',
    personId: person?.id ?? '',
    roles: [...roles],
    invitedBy,
    madeAt: madeAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  };
}

function proposalView(proposal: ProposalRecord) {
  const { card, expiresAt, id, peopleNeeded, signatures, state } = proposal;
  return {
    proposal: id,
    state,
    digest: card.digest,
    challenge: Buffer.from(approvalHash(proposal), 'hex').toString('base64url'),
    statement: card.statement,
    peopleNeeded,
    signedBy: signatures.map(({ personName }) => personName),
    expiresAt: expiresAt.toISOString(),
  };
}

function another(id: string): HoldfastError {
  return new HoldfastError('HF_PROPOSAL_UNKNOWN', {
    expected: 'the id of a break-glass proposal',
    found: `${id}, which is another kind`,
    hint: 'See the list of proposals.',
  });
}
