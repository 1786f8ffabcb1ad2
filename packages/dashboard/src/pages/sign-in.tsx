/** Signing in: by passkey first, by name and code second; recovery and single sign-on where they are. */
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { ask } from '../api/client.ts';
import { storageTrouble } from '../api/page-secret.ts';
import { leaveFor, rememberPage } from '../elsewhere.ts';
import { oneLine } from '../lib/visible.ts';
import { askPasskey } from '../passkeys.ts';
import { BarePage } from '../ui/bare-page.tsx';
import { Button } from '../ui/button.tsx';
import { CodeField, Field } from '../ui/field.tsx';
import { ProblemNote } from '../ui/problem.tsx';
import { useAttempt } from '../ui/use-attempt.ts';

type Way = 'passkey' | 'code' | 'recovery';

export interface SignInPageProps {
  readonly isNew: boolean;
  readonly sso: { readonly host: string } | null;
}

export function SignInPage({ isNew, sso }: SignInPageProps): ReactNode {
  return isNew ? <FirstRun /> : <SignIn sso={sso} />;
}

function FirstRun(): ReactNode {
  return (
    <BarePage title="Nobody is enrolled yet">
      <p>
        The first owner joins by a one-time link, which the gateway prints when it starts. It looks
        like this address, with <code className="font-mono text-[0.9rem]">/join#…</code> behind it.
      </p>
      <p className="text-muted">
        Look in the terminal where the gateway runs, and open that link here. Did it run out? This
        prints a new one:
      </p>
      <p>
        <code className="rounded-md border border-line bg-sunken px-2 py-1 font-mono text-[0.9rem]">
          holdfast people invite NAME --role owner
        </code>
      </p>
      <Button onClick={() => window.location.reload()}>Look again</Button>
    </BarePage>
  );
}

function SignIn({ sso }: Pick<SignInPageProps, 'sso'>): ReactNode {
  const queries = useQueryClient();
  const { busy, error, run } = useAttempt();
  const [way, setWay] = useState<Way>('passkey');
  const [blocked] = useState(storageTrouble);
  const enter = async (act: () => Promise<unknown>): Promise<void> => {
    await act();
    await queries.invalidateQueries();
  };
  const byPasskey = async (): Promise<void> => {
    const { ceremony, options } = await ask('signIn.passkey.begin');
    await ask('signIn.passkey', { body: { ceremony, response: await askPasskey(options) } });
  };
  const bySso = async (): Promise<void> => {
    const { url } = await ask('signIn.sso.begin');
    rememberPage();
    leaveFor(url);
  };
  return (
    <BarePage title="Sign in">
      {(error ?? blocked) !== null && <ProblemNote error={error ?? blocked} />}
      <Button
        tone="primary"
        size="large"
        isBusy={busy && way === 'passkey'}
        onClick={() => void run(() => enter(byPasskey))}
      >
        Use my passkey
      </Button>
      {sso !== null && (
        <Button size="large" onClick={() => void run(bySso)}>
          Go on at {oneLine(sso.host)}
        </Button>
      )}
      {way === 'passkey' ? (
        <div className="flex flex-wrap justify-between gap-2 text-[0.93rem]">
          <button type="button" className="link" onClick={() => setWay('code')}>
            Use a one-time code
          </button>
          <button type="button" className="link" onClick={() => setWay('recovery')}>
            Use a recovery code
          </button>
        </div>
      ) : (
        <NameAndCode
          key={way}
          way={way}
          busy={busy}
          onBack={() => setWay('passkey')}
          onSubmit={(name, code) =>
            void run(() =>
              enter(() =>
                ask(way === 'code' ? 'signIn.code' : 'signIn.recovery', { body: { name, code } }),
              ),
            )
          }
        />
      )}
    </BarePage>
  );
}

interface NameAndCodeProps {
  readonly way: Exclude<Way, 'passkey'>;
  readonly busy: boolean;
  readonly onBack: () => void;
  readonly onSubmit: (name: string, code: string) => void;
}

function NameAndCode({ way, busy, onBack, onSubmit }: NameAndCodeProps): ReactNode {
  const [name, setName] = useState('');
  const [code, setCode] = useState('');
  const isComplete =
    name.trim() !== '' && (way === 'code' ? code.length === 6 : code.trim() !== '');
  return (
    <form
      className="grid gap-3 border-t border-line pt-4"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(name.trim(), code.trim());
      }}
    >
      <Field
        label="Your name here"
        autoComplete="username"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      {way === 'code' ? (
        <CodeField value={code} onCode={setCode} />
      ) : (
        <Field
          label="Recovery code"
          hint="It works once. You add a new passkey right after."
          className="font-mono"
          value={code}
          onChange={(event) => setCode(event.target.value)}
        />
      )}
      <div className="flex justify-end gap-2">
        <Button tone="quiet" onClick={onBack}>
          Back
        </Button>
        <Button type="submit" isBusy={busy} disabled={!isComplete}>
          Sign in
        </Button>
      </div>
    </form>
  );
}
