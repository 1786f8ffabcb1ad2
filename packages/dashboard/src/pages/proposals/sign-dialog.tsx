/** A yes or a no to a proposal: by passkey, or by one-time code with the words compared. */
import { type FormEvent, type ReactNode, useState } from 'react';
import type { Answer } from '../../api/client.ts';
import { type Decision, type Desk, decideByCode, decideByPasskey } from '../../decide.ts';
import { usePerson } from '../../shell/session.ts';
import { Button } from '../../ui/button.tsx';
import { ComparedCodeFields, useComparedCode } from '../../ui/compared-code.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { Area } from '../../ui/field.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';

export interface SignDialogProps {
  readonly proposal: Answer<'proposals.list'>['items'][number];
  readonly decision: Decision;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

export function SignDialog({ proposal, decision, onClose, onDone }: SignDialogProps): ReactNode {
  const person = usePerson()?.name ?? '';
  const [comment, setComment] = useState('');
  const given = useComparedCode();
  const [byCode, setByCode] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const isYes = decision === 'approve';
  const action = isYes ? 'Sign' : 'Deny';
  const tone = isYes ? 'primary' : 'danger';
  // A door of its own: whoever is asked may be somebody who signs nothing otherwise, and says no word there.
  const isBreakGlass = isYes && proposal.act === 'break-glass';
  const desk: Desk = isBreakGlass ? 'breakGlass' : 'proposals';
  const word = { comment, typedName: null };

  const run = async (act: Promise<void>): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await act;
      onDone();
    } catch (caught) {
      setError(caught);
      given.setCode('');
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const { digestWords, id, digest } = proposal;
    const act = byCode
      ? decideByCode(
          desk,
          { id, digest },
          decision,
          { person, code: given.code, digestShown: digestWords },
          word,
        )
      : decideByPasskey(desk, proposal, decision, word);
    void run(act);
  };
  return (
    <Dialog title={isYes ? 'Sign this proposal' : 'Deny this proposal'} onClose={onClose}>
      <Text text={proposal.words} />
      {error !== null && <ProblemNote error={error} />}
      <form className="grid gap-3" onSubmit={submit}>
        {!isBreakGlass && (
          <Area
            label={isYes ? 'Comment (kept in the trail)' : 'Why'}
            className="min-h-16"
            maxLength={2000}
            value={comment}
            onChange={(event) => setComment(event.target.value)}
          />
        )}
        {byCode && (
          <>
            <p className="text-[0.93rem] text-muted">
              Compare these words with what the command line shows, or with whoever signs with you:{' '}
              <span className="font-mono text-ink">{proposal.digestWords}</span>
            </p>
            <ComparedCodeFields given={given} />
          </>
        )}
        <DialogButtons>
          {!byCode && (
            <Button tone="quiet" onClick={() => setByCode(true)}>
              Use a one-time code
            </Button>
          )}
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone={tone} isBusy={busy} disabled={byCode && !given.isComplete}>
            {byCode ? action : `${action} by passkey`}
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}
