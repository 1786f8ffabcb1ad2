/**
 * Joining by a one-time link: the secret stands behind `#`, so it reaches no server's log, and it is taken
 * out of the address as soon as it is read.
 */
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { type Answer, ask } from '../api/client.ts';
import { oneLine } from '../lib/visible.ts';
import { makePasskey } from '../passkeys.ts';
import { BarePage } from '../ui/bare-page.tsx';
import { Button } from '../ui/button.tsx';
import { CodesForm, PasskeyForm, RecoveryCodes } from '../ui/enrol.tsx';
import { Field } from '../ui/field.tsx';
import { Loaded } from '../ui/loading.tsx';
import { ProblemNote } from '../ui/problem.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { Countdown } from '../ui/time.tsx';
import { Toasts } from '../ui/toast.tsx';
import { useAttempt } from '../ui/use-attempt.ts';

export function JoinPage(): ReactNode {
  const [invitation] = useState(() => window.location.hash.slice(1));
  useEffect(() => {
    window.history.replaceState(window.history.state, '', '/join');
  }, []);
  return (
    <>
      {invitation === '' ? (
        <BarePage title="This link is not whole">
          <p>
            A link to join ends in <code className="font-mono">/join#…</code>. Open it again as you
            were given it, all of it.
          </p>
        </BarePage>
      ) : (
        <Invited invitation={invitation} />
      )}
      <Toasts />
    </>
  );
}

function Invited({ invitation }: { readonly invitation: string }): ReactNode {
  const query = useQuery({
    queryKey: ['join', invitation],
    queryFn: ({ signal }) => ask('join.show', { body: { invitation }, signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const [codes, setCodes] = useState<readonly string[] | null>(null);
  const enter = (): void => window.location.assign('/');
  if (codes !== null) {
    return (
      <BarePage title="You are in. Keep these">
        <RecoveryCodes codes={codes} onDone={enter} />
      </BarePage>
    );
  }
  return (
    <BarePage title="Join Holdfast">
      <Loaded query={query} what="what this link is for">
        {(shown) => <JoinForms invitation={invitation} shown={shown} onCodes={setCodes} />}
      </Loaded>
    </BarePage>
  );
}

interface JoinFormsProps {
  readonly invitation: string;
  readonly shown: Answer<'join.show'>;
  readonly onCodes: (codes: readonly string[]) => void;
}

function JoinForms({ invitation, shown, onCodes }: JoinFormsProps): ReactNode {
  const { busy, error, run } = useAttempt();
  const [name, setName] = useState('');
  const [way, setWay] = useState<'passkey' | 'codes'>('passkey');
  const [offer, setOffer] = useState<Answer<'join.code.begin'> | null>(null);
  const who = { invitation, ...(shown.name === null ? { name: name.trim() } : {}) };
  const isNamed = shown.name !== null || name.trim() !== '';
  const byPasskey = async (label: string): Promise<void> => {
    const { ceremony, options } = await ask('join.passkey.begin', { body: who });
    const response = await makePasskey(options);
    onCodes(
      (await ask('join.passkey', { body: { invitation, ceremony, label, response } }))
        .recoveryCodes,
    );
  };
  const byCodes = async (code: string): Promise<void> => {
    if (offer === null) return;
    onCodes(
      (await ask('join.code', { body: { invitation, ceremony: offer.ceremony, code } }))
        .recoveryCodes,
    );
  };
  return (
    <>
      <p>
        {shown.name === null
          ? 'You are the first here, and become its owner.'
          : `You join as ${oneLine(shown.name)}, ${shown.roles.join(' and ')}.`}{' '}
        <span className="text-muted">
          The link <Countdown to={shown.expiresAt} />.
        </span>
      </p>
      {shown.name === null && (
        <Field
          label="Your name"
          hint="It stands beside each of your signatures."
          maxLength={63}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
      )}
      {error !== null && <ProblemNote error={error} />}
      <Tabs
        label="How you will prove that it is you"
        value={way}
        onChange={setWay}
        tabs={[
          { id: 'passkey', label: 'Passkey' },
          { id: 'codes', label: 'Authenticator app' },
        ]}
      >
        {way === 'passkey' && (
          <div className="grid gap-3">
            <p className="text-[0.93rem] text-muted">
              One look or one touch signs you in and approves. It cannot be phished, and it is bound
              to what you saw.
            </p>
            <PasskeyForm
              busy={busy}
              isReady={isNamed}
              onLabel={(label) => void run(() => byPasskey(label))}
            />
          </div>
        )}
        {way === 'codes' && offer === null && (
          <Button
            isBusy={busy}
            disabled={!isNamed}
            onClick={() =>
              void run(async () => setOffer(await ask('join.code.begin', { body: who })))
            }
          >
            Show the QR code
          </Button>
        )}
        {way === 'codes' && offer !== null && (
          <CodesForm uri={offer.uri} busy={busy} onCode={(code) => void run(() => byCodes(code))} />
        )}
      </Tabs>
    </>
  );
}
