/**
 * Letting a command line in: the person types what its machine shows, sees which machine asks, and says that they
 * started it. Nothing is taken out of the address: who is led here with a code has no command line before them.
 */
import { type ReactNode, useState } from 'react';
import { type Answer, ask } from '../api/client.ts';
import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { Fact, Facts, Page, Panel } from '../ui/page.tsx';
import { ProblemNote } from '../ui/problem.tsx';
import { Text } from '../ui/text.tsx';
import { Countdown, Time } from '../ui/time.tsx';
import { useAttempt } from '../ui/use-attempt.ts';

type Shown = Answer<'device.look'>;

export function DevicePage(): ReactNode {
  const { busy, error, run } = useAttempt();
  const [userCode, setUserCode] = useState('');
  const [shown, setShown] = useState<Shown | null>(null);
  const [isMine, setIsMine] = useState(false);
  const [isLed] = useState(() => window.location.search !== '' || window.location.hash !== '');
  const [done, setDone] = useState<'let-in' | 'denied' | null>(null);
  const decide = (letIn: boolean): void =>
    void run(async () =>
      setDone((await ask('device.decide', { body: { userCode, letIn } })).state),
    );
  return (
    <Page
      title="Let a command line in"
      lead="holdfast login shows a short code on its machine. Whoever lets it in is who it acts as."
    >
      <Panel className="max-w-lg">
        {isLed && done === null && (
          <p role="alert" className="rounded-lg bg-danger-soft p-3 text-[0.93rem] text-danger">
            <span aria-hidden="true">▲ </span>
            The link that led you here carries more than this page’s address. holdfast login never
            makes such a link. Type a code only if you read it yourself, on a machine where you
            started holdfast login.
          </p>
        )}
        {error !== null && <ProblemNote error={error} />}
        {done !== null && (
          <p role="status" className="text-lg font-medium">
            {done === 'let-in'
              ? '✓ It is in, as you. You can close this page; My account lists it, and closes it.'
              : 'Turned away. Its code opens nothing any more.'}
          </p>
        )}
        {done === null && shown === null && (
          <form
            className="grid gap-3"
            onSubmit={(event) => {
              event.preventDefault();
              void run(async () =>
                setShown(await ask('device.look', { body: { userCode: userCode.trim() } })),
              );
            }}
          >
            <Field
              label="The code it shows"
              placeholder="BCDF-GHJK"
              autoCapitalize="characters"
              spellCheck={false}
              maxLength={32}
              className="font-mono text-lg tracking-widest uppercase"
              value={userCode}
              onChange={(event) => setUserCode(event.target.value)}
            />
            <div>
              <Button
                type="submit"
                tone="primary"
                isBusy={busy}
                disabled={userCode.trim().length < 8}
              >
                See who asks
              </Button>
            </div>
          </form>
        )}
        {done === null && shown !== null && (
          <>
            <Facts>
              <Fact name="machine">
                <Text text={shown.machine} className="font-medium" />{' '}
                <span className="text-[0.87rem] text-muted">(it says so itself)</span>
              </Fact>
              <Fact name="from">
                <Text text={shown.source} className="font-mono" />
              </Fact>
              <Fact name="asked">
                <Time at={shown.askedAt} relative />, <Countdown to={shown.expiresAt} />
              </Fact>
            </Facts>
            <p className="text-[0.93rem]">
              It gets a session of yours; an approval still takes your proof each time. Whoever sent
              you a code to type here would be in as you.
            </p>
            <label className="flex items-start gap-2">
              <input
                type="checkbox"
                className="mt-1 size-4"
                checked={isMine}
                onChange={(event) => setIsMine(event.target.checked)}
              />
              <span>I started it myself, on that machine, just now, and read the code there.</span>
            </label>
            <div className="flex flex-wrap gap-2">
              <Button tone="primary" isBusy={busy} disabled={!isMine} onClick={() => decide(true)}>
                Let it in
              </Button>
              <Button tone="danger" disabled={busy} onClick={() => decide(false)}>
                Turn it away
              </Button>
            </div>
          </>
        )}
      </Panel>
    </Page>
  );
}
