import { breakGlassAct } from '../../approvals/break-glass.ts';
import type { ProposalRecord, Proposals } from '../../approvals/proposals.ts';
import type { InviteRecord } from '../../identity/invite-store.ts';
import type { Invites, MadeInvite } from '../../identity/invites.ts';
import type { People } from '../../identity/people.ts';
import type { PersonOverview } from '../../identity/people-store.ts';
import type { Principal } from '../../identity/principal.ts';
import type { Sessions } from '../../identity/sessions.ts';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { PEOPLE_ROUTES } from '../contract/people.ts';
import type { Handlers } from '../handler.ts';
import { personOf } from './opening.ts';
import { sessionView } from './self.ts';

export interface PeopleRouteParts {
  readonly people: People;
  readonly sessions: Sessions;
  readonly invites: Invites;
  readonly proposals: Proposals;
  readonly clock: Clock;
  /** Our own pages, as browsers see them. */
  readonly origin: () => string;
}

export function peopleRoutes(parts: PeopleRouteParts): Handlers<typeof PEOPLE_ROUTES> {
  const { clock, invites, origin, people, proposals, sessions } = parts;
  const made = ({ invite, secret }: MadeInvite) => ({
    invite: inviteView(invite),
    link: joinUrl(origin(), secret),
  });
  const viewOf = async (id: string) => personView(await people.byId(id), clock.now());
  return {
    'people.list': async () => {
      const all = await people.overview();
      return { items: all.map((person) => personView(person, clock.now())) };
    },
    'people.roles': async ({ body, params }) => {
      const { name } = await people.byId(params.id);
      await people.setRoles(name, body.roles);
      return viewOf(params.id);
    },
    'people.remove': async ({ params }) => {
      const { name } = await people.byId(params.id);
      await people.remove(name);
      return { removed: true };
    },
    'people.invites.list': async () => ({ items: (await invites.list()).map(inviteView) }),
    'people.invites.make': async ({ body, principal }) =>
      made(await invites.make(body.name, body.roles, nameOf(principal))),
    'people.invites.again': async ({ params, principal }) =>
      made(await invites.again(params.id, nameOf(principal))),
    'people.invites.cancel': async ({ params, principal }) => ({
      cancelled: await invites.cancel(params.id, nameOf(principal)),
    }),
    'people.sessions.list': async ({ params }) => {
      const { id } = await people.byId(params.id);
      return { items: (await sessions.list(id)).map(sessionView) };
    },
    'people.sessions.close': async ({ params }) => {
      const { id } = await people.byId(params.id);
      return { closed: await sessions.close(params.session, id) };
    },
    'breakGlass.propose': async ({ body, principal }) => {
      const person = personOf(principal);
      const open = (await proposals.list('open')).find((one) => isFor(one, person.id));
      const act = breakGlassAct(person, body.reason, clock.now());
      return proposalView(open ?? (await proposals.open(act)));
    },
    'breakGlass.sign': async ({ body, params, principal }) => {
      const { name } = personOf(principal);
      const proposal = await proposals.show(params.id);
      if (proposal.card.actKind !== 'break-glass') throw another(params.id);
      const { code, digest } = body;
      const word = { holdId: params.id, person: name, code, digestShown: digest };
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

function proposalView({ card, expiresAt, id, peopleNeeded, signatures, state }: ProposalRecord) {
  return {
    proposal: id,
    state,
    digest: card.digest,
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
