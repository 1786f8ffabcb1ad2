/** My account: how I sign in, what lets me back in, how I am told of what waits, and where I am signed in. */

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Answer, ask } from '../api/client.ts';
import { selfQuery, sessionQuery, sessionsQuery } from '../api/queries.ts';
import { leaveFor } from '../elsewhere.ts';
import { browserWords } from '../lib/browser-words.ts';
import { canProve } from '../lib/can-prove.ts';
import { plural } from '../lib/measures.ts';
import { oneLine } from '../lib/visible.ts';
import { usePerson } from '../shell/session.ts';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { ConfirmDialog } from '../ui/confirm-dialog.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { RecoveryCodes } from '../ui/enrol.tsx';
import { Loaded } from '../ui/loading.tsx';
import { Page, Panel } from '../ui/page.tsx';
import { Text } from '../ui/text.tsx';
import { Time } from '../ui/time.tsx';
import { say, sayProblem } from '../ui/toast.tsx';
import { AddWays } from './account/add-ways.tsx';
import { NoticeSettings } from './account/notice-settings.tsx';
import { Notices } from './account/notices.tsx';

type Self = Answer<'self.show'>;

export function AccountPage(): ReactNode {
  const person = usePerson();
  const self = useQuery(selfQuery);
  return (
    <Page
      title="My account"
      lead={person === null ? undefined : `${oneLine(person.name)}, ${person.roles.join(' and ')}.`}
    >
      <Loaded query={self} what="your account">
        {(shown) => (
          <div className="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-2">
            <Ways self={shown} />
            <div className="grid grid-cols-[minmax(0,1fr)] content-start gap-4">
              <Recovery self={shown} />
              <Sso self={shown} />
            </div>
          </div>
        )}
      </Loaded>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-2">
        {person !== null && <Notices person={person.id} />}
        <NoticeSettings />
      </div>
      <Sessions />
    </Page>
  );
}

function Ways({ self }: { readonly self: Self }): ReactNode {
  const queries = useQueryClient();
  const [removing, setRemoving] = useState<Self['passkeys'][number] | null>(null);
  const [isRemovingCodes, setIsRemovingCodes] = useState(false);
  const [isAdding, setIsAdding] = useState(false);
  const look = (): Promise<void> => queries.invalidateQueries({ queryKey: ['self'] });
  return (
    <Panel
      title="How you sign in and approve"
      aside={
        canProve(self) ? (
          <Button size="small" onClick={() => setIsAdding(true)}>
            Add
          </Button>
        ) : undefined
      }
    >
      {self.passkeys.length === 0 && (
        <p className="text-warn">
          ● You have no passkey.{' '}
          {canProve(self)
            ? 'One touch of one signs you in and approves.'
            : 'Single sign-on cannot prove that it is you who adds one: ask an owner for a link, on the page People.'}
        </p>
      )}
      <ul className="divide-y divide-line">
        {self.passkeys.map((passkey) => (
          <li key={passkey.id} className="flex flex-wrap items-center justify-between gap-2 py-2">
            <span>
              <span className="flex flex-wrap items-center gap-2">
                <Text text={passkey.label} className="font-medium" />
                {passkey.isBackedUp && (
                  <Badge title="kept in step among your devices by whoever made it">synced</Badge>
                )}
                {passkey.isSuspended && (
                  <Badge tone="danger" title="its counter went back, as that of a copy would">
                    suspended
                  </Badge>
                )}
              </span>
              <span className="block text-[0.87rem] text-muted">
                added <Time at={passkey.addedAt} relative />
                {passkey.lastUsedAt === null ? (
                  ', never used'
                ) : (
                  <>
                    , used <Time at={passkey.lastUsedAt} relative />
                  </>
                )}
              </span>
            </span>
            <Button
              size="small"
              tone="danger"
              onClick={() => setRemoving(passkey)}
              aria-label={`Remove the passkey ${passkey.label}`}
            >
              Remove
            </Button>
          </li>
        ))}
        <li className="flex flex-wrap items-center justify-between gap-2 py-2">
          {self.hasCodes ? (
            <>
              <span>✓ An authenticator app, as a second way.</span>
              {self.passkeys.some(({ isSuspended }) => !isSuspended) && (
                <Button
                  size="small"
                  tone="danger"
                  onClick={() => setIsRemovingCodes(true)}
                  aria-label="Remove the authenticator app"
                >
                  Remove
                </Button>
              )}
            </>
          ) : (
            <span className="text-muted">
              No authenticator app. It is the second way, when a passkey is not at hand.
            </span>
          )}
        </li>
      </ul>
      {isAdding && (
        <Dialog title="Add a way to sign in" onClose={() => setIsAdding(false)}>
          <AddWays
            onAdded={() => {
              setIsAdding(false);
              void look();
            }}
          />
          <Button tone="quiet" onClick={() => setIsAdding(false)}>
            Cancel
          </Button>
        </Dialog>
      )}
      {isRemovingCodes && (
        <ConfirmDialog
          title="Remove the authenticator app"
          action="Remove"
          onClose={() => setIsRemovingCodes(false)}
          onConfirm={async () => {
            await ask('self.codes.remove');
            await look();
            say('Removed.');
          }}
        >
          <p>
            Its codes open and sign nothing from then on. You are asked for a passkey, since you
            will need one to sign in.
          </p>
        </ConfirmDialog>
      )}
      {removing !== null && (
        <ConfirmDialog
          title="Remove this passkey"
          action="Remove"
          onClose={() => setRemoving(null)}
          onConfirm={async () => {
            await ask('self.passkeys.remove', { params: { id: removing.id } });
            await look();
            say('Removed.');
          }}
        >
          <p>
            “<Text text={removing.label} />” opens and signs nothing from then on. The last way to
            sign in cannot be removed.
          </p>
        </ConfirmDialog>
      )}
    </Panel>
  );
}

function Recovery({ self }: { readonly self: Self }): ReactNode {
  const queries = useQueryClient();
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const [isRenewing, setIsRenewing] = useState(false);
  return (
    <Panel title="Recovery codes">
      <p>
        {plural(self.recoveryCodesLeft, 'code')} left.{' '}
        <span className="text-muted">Each lets you in once, to add a new passkey.</span>
      </p>
      {canProve(self) && (
        <div>
          <Button onClick={() => setIsRenewing(true)}>Make new ones</Button>
        </div>
      )}
      {isRenewing && (
        <ConfirmDialog
          title="Make new recovery codes"
          action="Make new ones"
          tone="primary"
          onClose={() => setIsRenewing(false)}
          onConfirm={async () => {
            setCodes((await ask('self.recovery.renew')).recoveryCodes);
            await queries.invalidateQueries({ queryKey: ['self'] });
          }}
        >
          <p>Those before count no more.</p>
        </ConfirmDialog>
      )}
      {codes !== null && (
        <Dialog title="Your new recovery codes" onClose={() => setCodes(null)}>
          <RecoveryCodes codes={codes} onDone={() => setCodes(null)} />
        </Dialog>
      )}
    </Panel>
  );
}

function Sso({ self }: { readonly self: Self }): ReactNode {
  const queries = useQueryClient();
  const host = useQuery(sessionQuery).data?.sso?.host;
  const act = async (what: () => Promise<unknown>): Promise<void> => {
    try {
      await what();
      await queries.invalidateQueries({ queryKey: ['self'] });
    } catch (error) {
      sayProblem(error);
    }
  };
  if (host === undefined && self.sso === null) return null;
  return (
    <Panel title="Single sign-on">
      {self.sso === null ? (
        <>
          <p className="text-muted">
            Not linked. It signs you in, and never approves: that always takes your passkey or a
            code.
          </p>
          <div>
            <Button
              onClick={() => void act(async () => leaveFor((await ask('self.sso.begin')).url))}
            >
              Link {host}
            </Button>
          </div>
        </>
      ) : (
        <>
          <p>
            Linked to <Text text={self.sso.issuer} className="font-mono text-[0.9rem]" />{' '}
            <Time at={self.sso.linkedAt} relative />.
          </p>
          <div>
            <Button tone="danger" onClick={() => void act(() => ask('self.sso.remove'))}>
              Unlink
            </Button>
          </div>
        </>
      )}
    </Panel>
  );
}

const METHOD_WORDS: Readonly<Record<string, string>> = {
  passkey: 'by passkey',
  totp: 'by one-time code',
  recovery: 'by recovery code',
  sso: 'by single sign-on',
};

function Sessions(): ReactNode {
  const queries = useQueryClient();
  const query = useQuery(sessionsQuery);
  const act = async (what: () => Promise<unknown>): Promise<void> => {
    try {
      await what();
      await queries.invalidateQueries({ queryKey: ['self'] });
    } catch (error) {
      sayProblem(error);
    }
  };
  return (
    <Panel
      title="Where you are signed in"
      aside={
        <Button
          size="small"
          tone="danger"
          onClick={() => void act(() => ask('self.sessions.closeOthers'))}
        >
          Close all but this one
        </Button>
      }
    >
      <Loaded query={query} what="your sessions">
        {({ items }) => (
          <ul className="divide-y divide-line">
            {items.map((session) => (
              <li
                key={session.id}
                className="flex flex-wrap items-center justify-between gap-2 py-2"
              >
                <span className="min-w-0">
                  <span className="flex flex-wrap items-center gap-2">
                    <Text
                      text={
                        session.kind === 'browser'
                          ? browserWords(session.userAgent)
                          : session.userAgent || 'a command line'
                      }
                      className="font-medium"
                    />
                    {session.isThisOne && <Badge tone="ok">this one</Badge>}
                  </span>
                  <span className="block text-[0.87rem] text-muted">
                    from <span className="font-mono">{session.source}</span>,{' '}
                    {METHOD_WORDS[session.method] ?? session.method}, used{' '}
                    <Time at={session.lastUsedAt} relative />, ends{' '}
                    <Time at={session.expiresAt} relative />
                  </span>
                </span>
                {!session.isThisOne && (
                  <Button
                    size="small"
                    tone="quiet"
                    onClick={() =>
                      void act(() => ask('self.sessions.close', { params: { id: session.id } }))
                    }
                  >
                    Close
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Panel>
  );
}
