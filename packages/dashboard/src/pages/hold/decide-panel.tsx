/**
 * Where a person decides: one look, one touch. Approving asks the authenticator at once; a one-time code is
 * the second way, with the words to compare. What goes for good wants its name typed first.
 */

import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { HoldShown } from '../../api/hold-shown.ts';
import { selfQuery } from '../../api/queries.ts';
import { type Code, type Decision, decideByCode, decideByPasskey, seenOf } from '../../decide.ts';
import { canProve } from '../../lib/can-prove.ts';
import { oneLine } from '../../lib/visible.ts';
import { useKeys } from '../../shell/keyboard.tsx';
import { useMay, usePerson } from '../../shell/session.ts';
import { Button } from '../../ui/button.tsx';
import { ComparedCodeFields, useComparedCode } from '../../ui/compared-code.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { Area, Field } from '../../ui/field.tsx';
import { Kbd } from '../../ui/kbd.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';
import { Countdown } from '../../ui/time.tsx';
import { say } from '../../ui/toast.tsx';

type Asking = 'approve-code' | 'deny' | null;

export function DecidePanel({ hold }: { readonly hold: HoldShown }): ReactNode {
  const queries = useQueryClient();
  const person = usePerson();
  const mayByRole = useMay('holds.decide');
  const self = useQuery(selfQuery).data;
  const hasNoWord = self !== undefined && !canProve(self);
  const may = mayByRole && !hasNoWord;
  const nameField = useRef<HTMLInputElement>(null);
  const [asking, setAsking] = useState<Asking>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [comment, setComment] = useState('');
  const [typed, setTyped] = useState('');

  const isOpen = hold.state === 'waiting' || hold.state === 'signed';
  const hasSigned = hold.signatures.some((one) => one.person === person?.name);
  const { typedName } = hold;
  const isNamed = typedName === null || typed.trim() === typedName;
  const canApprove = may && hold.state === 'waiting' && !hasSigned;
  const canDeny = may && isOpen;

  const run = async (decision: Decision, act: () => Promise<void>): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await act();
      setAsking(null);
      say(
        decision === 'approve'
          ? 'Signed. The agent may retry the same bytes once enough people have.'
          : 'Denied, for good: this very act is never held again.',
      );
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
      void queries.invalidateQueries({ queryKey: ['holds'] });
      void queries.invalidateQueries({ queryKey: ['now'] });
    }
  };
  const byCode = useCodeOf();
  const word = { comment, typedName: typedName === null ? null : typed.trim() };
  const approve = (): void => {
    if (!canApprove || busy) return;
    if (!isNamed) {
      nameField.current?.focus();
      return;
    }
    void run('approve', () => decideByPasskey('holds', seenOf(hold), 'approve', word));
  };
  const openDeny = (): void => {
    setError(null);
    if (canDeny) setAsking('deny');
  };
  useKeys({ a: approve, d: openDeny });

  if (!isOpen) return <Ended hold={hold} />;
  return (
    <section aria-label="Decide" className="panel grid gap-3 p-4">
      <div className="flex items-baseline justify-between gap-2">
        <h2>Decide</h2>
        <Countdown to={hold.expiresAt} />
      </div>
      <p className="text-[0.93rem]">
        <span className="font-semibold tabular-nums">
          {hold.signatures.length} of {hold.peopleNeeded}
        </span>{' '}
        signed.{' '}
        {hold.state === 'signed'
          ? 'That is enough: the agent may retry. It can still be denied until it does.'
          : hold.peopleNeeded > 1
            ? 'Each must be somebody else.'
            : 'One person is enough.'}
      </p>
      {mayByRole && hasNoWord && (
        <p className="rounded-lg bg-warn-soft p-3 text-[0.9rem] text-warn">
          <span aria-hidden="true">● </span>
          You have no passkey yet, and single sign-on signs nothing. The first one comes by a link
          that an owner sends you.
        </p>
      )}
      {!mayByRole && (
        <p className="rounded-lg bg-sunken p-3 text-[0.9rem] text-muted">
          You may see this, not decide it. Owners and approvers do.
        </p>
      )}
      {hasSigned && hold.state === 'waiting' && (
        <p className="rounded-lg bg-ok-soft p-3 text-[0.9rem] text-ok">
          ✓ You signed. Somebody else has to, too.
        </p>
      )}
      {canApprove && typedName !== null && (
        <Field
          ref={nameField}
          label={`Type ${oneLine(typedName)} to approve`}
          hint="Nothing takes this back, so its name has to be typed."
          className="font-mono"
          spellCheck={false}
          autoCapitalize="off"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      )}
      {canApprove && (
        <Area
          label="Comment (kept in the trail)"
          className="min-h-14"
          maxLength={2000}
          value={comment}
          onChange={(event) => setComment(event.target.value)}
        />
      )}
      {error !== null && asking === null && <InSight error={error} />}
      {may && (
        <div className="fixed inset-x-0 bottom-[calc(3.5rem+env(safe-area-inset-bottom))] z-20 flex gap-2 border-t border-line bg-surface p-3 md:static md:grid md:border-0 md:p-0">
          {canApprove && (
            <Button
              tone="primary"
              size="large"
              className="grow"
              isBusy={busy && asking === null}
              onClick={approve}
              aria-keyshortcuts="a"
            >
              Approve by passkey
              <span className="hidden md:inline" aria-hidden="true">
                <Kbd keys="a" />
              </span>
            </Button>
          )}
          <Button
            tone="danger"
            size="large"
            disabled={!canDeny}
            onClick={openDeny}
            aria-keyshortcuts="d"
          >
            Deny
            <span className="hidden md:inline" aria-hidden="true">
              <Kbd keys="d" />
            </span>
          </Button>
        </div>
      )}
      {canApprove && (
        <Button
          tone="quiet"
          size="small"
          disabled={!isNamed}
          onClick={() => setAsking('approve-code')}
        >
          Approve by one-time code
        </Button>
      )}
      {asking === 'approve-code' && (
        <ByCode
          title="Approve by one-time code"
          hold={hold}
          action="Approve"
          tone="primary"
          busy={busy}
          error={error}
          onClose={() => setAsking(null)}
          onCode={(code, words) =>
            void run('approve', () =>
              decideByCode('holds', hold, 'approve', byCode(code, words), word),
            )
          }
        />
      )}
      {asking === 'deny' && (
        <DenyDialog
          hold={hold}
          busy={busy}
          error={error}
          onClose={() => setAsking(null)}
          run={(act) => void run('deny', act)}
        />
      )}
    </section>
  );
}

/** On a phone the buttons are in sight where this is not. */
function InSight({ error }: { readonly error: unknown }): ReactNode {
  const note = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (error !== null) note.current?.scrollIntoView({ block: 'center' });
  }, [error]);
  return (
    <div ref={note}>
      <ProblemNote error={error} />
    </div>
  );
}

function Ended({ hold }: { readonly hold: HoldShown }): ReactNode {
  return (
    <section aria-label="Decided" className="panel grid gap-2 p-4">
      <h2>{ENDED[hold.state] ?? `It is ${hold.state}`}</h2>
      <p className="text-[0.93rem] text-muted">
        {ENDED_WORDS[hold.state] ?? 'Nothing is left to decide.'}
      </p>
    </section>
  );
}

const ENDED: Readonly<Record<string, string>> = {
  denied: 'Denied',
  expired: 'Expired',
  consumed: 'Approved, and used',
  void: 'Void',
};
const ENDED_WORDS: Readonly<Record<string, string>> = {
  denied:
    'This very act is refused from now on. The agent was told, and may ask for something else.',
  expired: 'Nobody decided in time. If the agent tries again, a new hold opens.',
  consumed: 'The approval let the exact bytes through once. A later try opens a new hold.',
  void: 'A fact that people signed has changed, so the approval counts no more. A later try opens a new hold with the new facts.',
};

interface ByCodeProps {
  readonly title: string;
  readonly hold: HoldShown;
  readonly action: string;
  readonly tone: 'primary' | 'danger';
  readonly busy: boolean;
  readonly error: unknown;
  readonly onClose: () => void;
  readonly onCode: (code: string, words: string) => void;
}

function ByCode({
  title,
  hold,
  action,
  tone,
  busy,
  error,
  onClose,
  onCode,
}: ByCodeProps): ReactNode {
  return (
    <Dialog title={title} onClose={onClose}>
      {error !== null && <ProblemNote error={error} />}
      <CodeForm
        hold={hold}
        action={action}
        tone={tone}
        busy={busy}
        onClose={onClose}
        onCode={onCode}
      />
    </Dialog>
  );
}

type CodeFormProps = Omit<ByCodeProps, 'title' | 'error'>;

function CodeForm({ hold, action, tone, busy, onClose, onCode }: CodeFormProps): ReactNode {
  const given = useComparedCode();
  const words = hold.digestWords;
  return (
    <form
      className="grid gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        onCode(given.code, words);
      }}
    >
      <p className="text-[0.93rem] text-muted">
        A code proves that it is you, not what you looked at. So compare these words with what the
        command line shows (holdfast holds show {hold.id}), or with whoever signs with you.
      </p>
      <ul
        aria-label="Words of the digest"
        className="grid grid-cols-3 gap-2 rounded-lg bg-sunken p-3 text-center font-mono text-[1.05rem]"
      >
        {words.split(' ').map((one, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a word may come twice
          <li key={index}>{one}</li>
        ))}
      </ul>
      <ComparedCodeFields given={given} />
      <DialogButtons>
        <Button tone="quiet" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" tone={tone} isBusy={busy} disabled={!given.isComplete}>
          {action}
        </Button>
      </DialogButtons>
    </form>
  );
}

/** A code of the person whose session this is. */
function useCodeOf(): (code: string, words: string) => Code {
  const name = usePerson()?.name ?? '';
  return (code, words) => ({ person: name, code, digestShown: words });
}

interface DenyProps {
  readonly hold: HoldShown;
  readonly busy: boolean;
  readonly error: unknown;
  readonly onClose: () => void;
  readonly run: (act: () => Promise<void>) => void;
}

function DenyDialog({ hold, busy, error, onClose, run }: DenyProps): ReactNode {
  const [note, setNote] = useState('');
  const [byCode, setByCode] = useState(false);
  const codeOf = useCodeOf();
  const word = { comment: note, typedName: null };
  return (
    <Dialog title="Deny this hold" onClose={onClose}>
      <p className="text-[0.93rem] text-muted">
        One person is enough for a no. It stays: this very act is refused from now on, and the agent
        is told your note.
      </p>
      <p className="rounded-lg bg-sunken p-2 font-mono text-[0.87rem]">
        <Text text={hold.statement.slice(0, 200)} />
      </p>
      <Area
        label="Note for the agent, and for the trail"
        maxLength={2000}
        value={note}
        onChange={(event) => setNote(event.target.value)}
      />
      {error !== null && <ProblemNote error={error} />}
      {byCode ? (
        <CodeForm
          hold={hold}
          action="Deny"
          tone="danger"
          busy={busy}
          onClose={onClose}
          onCode={(code, words) =>
            run(() => decideByCode('holds', hold, 'deny', codeOf(code, words), word))
          }
        />
      ) : (
        <DialogButtons>
          <Button tone="quiet" onClick={() => setByCode(true)}>
            Use a one-time code
          </Button>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            tone="danger"
            isBusy={busy}
            onClick={() => run(() => decideByPasskey('holds', seenOf(hold), 'deny', word))}
          >
            Deny by passkey
          </Button>
        </DialogButtons>
      )}
    </Dialog>
  );
}
