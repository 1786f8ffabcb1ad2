/** Who decides here, and what each role may: the same table that the gateway enforces. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Answer, ask } from '../api/client.ts';
import { invitesQuery, peopleQuery, rolesQuery } from '../api/queries.ts';
import { plural } from '../lib/measures.ts';
import { useMay, usePerson } from '../shell/session.ts';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { copyText } from '../ui/copy.ts';
import { Dialog, DialogButtons } from '../ui/dialog.tsx';
import { Area, Field } from '../ui/field.tsx';
import { Loaded } from '../ui/loading.tsx';
import { Page, Panel } from '../ui/page.tsx';
import { Text } from '../ui/text.tsx';
import { Countdown, Time } from '../ui/time.tsx';
import { say, sayProblem } from '../ui/toast.tsx';

type Person = Answer<'people.list'>['items'][number];
type Role = Person['roles'][number];
const ROLES: readonly Role[] = ['owner', 'approver', 'operator', 'auditor'];
const ROLE_WORDS: Readonly<Record<Role, string>> = {
  owner: 'keeps the house: people, roles, credentials',
  approver: 'decides on what agents ask',
  operator: 'runs the gateway: agents, tokens, protection, undo',
  auditor: 'sees everything, changes nothing',
};

export function PeoplePage(): ReactNode {
  const query = useQuery(peopleQuery);
  const mayManage = useMay('people.manage');
  const me = usePerson();
  const [isInviting, setIsInviting] = useState(false);
  const [link, setLink] = useState<string | null>(null);
  return (
    <Page
      title="People"
      lead="Who decides, by which proof, and what each may do."
      actions={
        mayManage && (
          <Button tone="primary" onClick={() => setIsInviting(true)}>
            Invite a person
          </Button>
        )
      }
    >
      <Loaded query={query} what="the people">
        {({ items }) => (
          <>
            {items.length <= 1 && (
              <p className="panel p-4 text-muted">
                You are alone here, so nothing that takes two people can pass, and nobody can let
                you back in. Invite somebody.
              </p>
            )}
            <ul className="panel divide-y divide-line">
              {items.map((person) => (
                <PersonRow
                  key={person.id}
                  person={person}
                  isMe={person.id === me?.id}
                  onLink={setLink}
                />
              ))}
            </ul>
          </>
        )}
      </Loaded>
      {mayManage && <Invites />}
      <RoleTable />
      <BreakGlass />
      {isInviting && (
        <InviteDialog
          onClose={() => setIsInviting(false)}
          onLink={(made) => {
            setIsInviting(false);
            setLink(made);
          }}
        />
      )}
      {link !== null && <LinkDialog link={link} onClose={() => setLink(null)} />}
    </Page>
  );
}

interface PersonRowProps {
  readonly person: Person;
  readonly isMe: boolean;
  readonly onLink: (link: string) => void;
}

function PersonRow({ person, isMe, onLink }: PersonRowProps): ReactNode {
  const mayManage = useMay('people.manage');
  const queries = useQueryClient();
  const [asking, setAsking] = useState<'roles' | 'codes' | 'remove' | null>(null);
  const again = async (): Promise<void> => {
    try {
      onLink((await ask('people.invites.again', { params: { id: person.id } })).link);
    } catch (error) {
      sayProblem(error);
    }
  };
  return (
    <li className="grid gap-2 p-4 md:grid-cols-[minmax(0,1fr)_auto] md:items-center">
      <div className="grid gap-1">
        <p className="flex flex-wrap items-center gap-2">
          <Text text={person.name} className="font-medium" />
          {isMe && <span className="text-[0.85rem] text-muted">(you)</span>}
          {person.roles.map((role) => (
            <Badge key={role} tone={role === 'owner' ? 'accent' : 'plain'} title={ROLE_WORDS[role]}>
              {role}
            </Badge>
          ))}
          {person.ownerUntil !== null && (
            <Badge tone="danger">
              owner by break-glass, <Countdown to={person.ownerUntil} label="" />
            </Badge>
          )}
        </p>
        <p className="text-[0.88rem] text-muted">
          {person.joinedAt === null ? (
            <span className="text-warn">● has not joined yet, so counts for nothing</span>
          ) : (
            <>
              {plural(person.passkeys, 'passkey')}
              {person.hasCodes && ', one-time codes'}
              {person.hasSso && ', single sign-on'}
              {person.lastSeenAt !== null && (
                <>
                  ; last seen <Time at={person.lastSeenAt} relative />
                </>
              )}
            </>
          )}
        </p>
      </div>
      {mayManage && (
        <div className="flex flex-wrap gap-2">
          {person.joinedAt === null && (
            <Button size="small" onClick={() => void again()}>
              New link
            </Button>
          )}
          <Button
            size="small"
            onClick={() => setAsking('roles')}
            aria-label={`Change what ${person.name} may do`}
          >
            Roles
          </Button>
          {person.hasCodes && person.passkeys > 0 && !isMe && (
            <Button
              size="small"
              onClick={() => setAsking('codes')}
              aria-label={`Take the one-time codes of ${person.name} away`}
            >
              Codes
            </Button>
          )}
          <Button
            size="small"
            tone="danger"
            onClick={() => setAsking('remove')}
            aria-label={`Remove ${person.name}`}
          >
            Remove
          </Button>
        </div>
      )}
      {asking === 'roles' && <RolesDialog person={person} onClose={() => setAsking(null)} />}
      {asking === 'codes' && (
        <ConfirmDialog
          title={`Take the one-time codes of ${person.name} away`}
          action="Take away"
          onClose={() => setAsking(null)}
          onConfirm={async () => {
            await ask('people.codes.remove', { params: { id: person.id } });
            await queries.invalidateQueries({ queryKey: ['people'] });
            say(`${person.name} signs in by passkey alone now.`);
          }}
        >
          <p>They sign in and sign by passkey from then on, and may add an app again themselves.</p>
        </ConfirmDialog>
      )}
      {asking === 'remove' && (
        <ConfirmDialog
          title={`Remove ${person.name}`}
          action="Remove"
          onClose={() => setAsking(null)}
          onConfirm={async () => {
            await ask('people.remove', { params: { id: person.id } });
            await queries.invalidateQueries({ queryKey: ['people'] });
            say(`${person.name} was removed.`);
          }}
        >
          <p>
            Their sessions end at once, and their signatures on what is still open count no more.
            The trail keeps what they did.
          </p>
        </ConfirmDialog>
      )}
    </li>
  );
}

interface RoleBoxesProps {
  readonly chosen: readonly Role[];
  readonly onChange: (roles: readonly Role[]) => void;
}

function RoleBoxes({ chosen, onChange }: RoleBoxesProps): ReactNode {
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1 text-[0.87rem] font-medium">What they may do</legend>
      {ROLES.map((role) => (
        <label key={role} className="flex items-start gap-2">
          <input
            type="checkbox"
            className="mt-1 size-4"
            checked={chosen.includes(role)}
            onChange={(event) =>
              onChange(
                event.target.checked ? [...chosen, role] : chosen.filter((one) => one !== role),
              )
            }
          />
          <span>
            <span className="font-medium">{role}</span>{' '}
            <span className="text-muted">{ROLE_WORDS[role]}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

function RolesDialog({
  person,
  onClose,
}: {
  readonly person: Person;
  readonly onClose: () => void;
}): ReactNode {
  const queries = useQueryClient();
  const [roles, setRoles] = useState<readonly Role[]>(person.roles);
  return (
    <ConfirmDialog
      title={`What ${person.name} may do`}
      action="Save"
      tone="primary"
      canConfirm={roles.length > 0}
      onClose={onClose}
      onConfirm={async () => {
        await ask('people.roles', { params: { id: person.id }, body: { roles: [...roles] } });
        await queries.invalidateQueries({ queryKey: ['people'] });
        say('Saved.');
      }}
    >
      <RoleBoxes chosen={roles} onChange={setRoles} />
    </ConfirmDialog>
  );
}

function InviteDialog({
  onClose,
  onLink,
}: {
  readonly onClose: () => void;
  readonly onLink: (link: string) => void;
}): ReactNode {
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const [roles, setRoles] = useState<readonly Role[]>(['approver']);
  return (
    <ConfirmDialog
      title="Invite a person"
      action="Make a link"
      tone="primary"
      canConfirm={name.trim() !== '' && roles.length > 0}
      onClose={onClose}
      onConfirm={async () => {
        const { link } = await ask('people.invites.make', {
          body: { name: name.trim(), roles: [...roles] },
        });
        await queries.invalidateQueries({ queryKey: ['people'] });
        onLink(link);
      }}
    >
      <Field
        label="Name"
        hint="As others know them: it stands beside each signature."
        maxLength={63}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <RoleBoxes chosen={roles} onChange={setRoles} />
    </ConfirmDialog>
  );
}

function LinkDialog({
  link,
  onClose,
}: {
  readonly link: string;
  readonly onClose: () => void;
}): ReactNode {
  return (
    <Dialog title="A link for one person, once" onClose={onClose}>
      <p>
        Give it to that person over a way that is theirs. Whoever opens it first becomes that person
        here. It is shown this once.
      </p>
      <p className="rounded-lg bg-sunken p-3 font-mono text-[0.85rem] break-all">{link}</p>
      <DialogButtons>
        <Button onClick={() => void copyText(link)}>Copy</Button>
        <Button tone="primary" onClick={onClose}>
          Done
        </Button>
      </DialogButtons>
    </Dialog>
  );
}

function Invites(): ReactNode {
  const queries = useQueryClient();
  const items = useQuery(invitesQuery).data?.items ?? [];
  if (items.length === 0) return null;
  const cancel = async (id: string): Promise<void> => {
    try {
      await ask('people.invites.cancel', { params: { id } });
      await queries.invalidateQueries({ queryKey: ['people'] });
    } catch (error) {
      sayProblem(error);
    }
  };
  return (
    <Panel title="Invitations that nobody has used yet">
      <ul className="grid gap-2">
        {items.map((invite) => (
          <li key={invite.id} className="flex flex-wrap items-center justify-between gap-2">
            <span>
              <Text text={invite.person} className="font-medium" />{' '}
              <span className="text-[0.9rem] text-muted">
                as {invite.roles.join(', ')}, by <Text text={invite.invitedBy} />,{' '}
                <Countdown to={invite.expiresAt} />
              </span>
            </span>
            <Button
              size="small"
              tone="quiet"
              onClick={() => void cancel(invite.id)}
              aria-label={`Cancel the invitation of ${invite.person}`}
            >
              Cancel
            </Button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function RoleTable(): ReactNode {
  const table = useQuery(rolesQuery).data;
  if (table === undefined) return null;
  return (
    <Panel title="Who may do what">
      <section
        aria-label="The table of roles"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        tabIndex={0}
        className="relative overflow-x-auto"
      >
        <table className="w-full min-w-lg text-left text-[0.9rem]">
          <thead>
            <tr>
              <th className="py-1 pr-3 font-medium text-muted">may …</th>
              {table.roles.map((role) => (
                <th key={role} className="px-2 py-1 text-center font-medium">
                  {role}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.permissions.map((permission) => (
              <tr key={permission.name} className="border-t border-line">
                <th scope="row" className="py-1 pr-3 font-normal">
                  {permission.words}
                </th>
                {table.roles.map((role) => (
                  <td key={role} className="px-2 py-1 text-center">
                    {permission.roles.includes(role) ? (
                      <span className="text-ok" title="yes">
                        ✓<span className="sr-only">yes</span>
                      </span>
                    ) : (
                      <span className="text-muted" title="no">
                        –<span className="sr-only">no</span>
                      </span>
                    )}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Panel>
  );
}

const REASON_CHARS_MIN = 10;

function BreakGlass(): ReactNode {
  const queries = useQueryClient();
  const me = usePerson();
  const [isAsking, setIsAsking] = useState(false);
  const [reason, setReason] = useState('');
  if (me === null || me.roles.includes('owner')) return null;
  return (
    <Panel title="When no owner can be reached">
      <p className="text-muted">
        Ask the others to make you an owner for an hour. It takes their signatures, and the trail
        says it loudly.
      </p>
      <div>
        <Button tone="danger" onClick={() => setIsAsking(true)}>
          Break glass
        </Button>
      </div>
      {isAsking && (
        <ConfirmDialog
          title="Break glass"
          action="Ask the others"
          canConfirm={reason.trim().length >= REASON_CHARS_MIN}
          onClose={() => setIsAsking(false)}
          onConfirm={async () => {
            const { peopleNeeded } = await ask('breakGlass.propose', {
              body: { reason: reason.trim() },
            });
            await queries.invalidateQueries({ queryKey: ['proposals'] });
            say(
              `Proposed: ${plural(peopleNeeded, 'person has', 'people have')} to sign it under Holds, Proposals.`,
            );
          }}
        >
          <Area
            label="Why"
            hint="Everybody will read this."
            maxLength={1000}
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        </ConfirmDialog>
      )}
    </Panel>
  );
}
