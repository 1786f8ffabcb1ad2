/**
 * A person's word for an act that one person may do: who they are is known from the session. When their last proof
 * of being there is too old, the page asks for a new one by itself (`shell/prove-again.tsx`), and goes on.
 */
import { type ReactNode, useState } from 'react';
import { Button } from './button.tsx';
import { Dialog, DialogButtons } from './dialog.tsx';
import { Area } from './field.tsx';
import { ProblemNote } from './problem.tsx';

export interface WordDialogProps {
  readonly title: string;
  readonly action: string;
  readonly tone?: 'primary' | 'danger';
  readonly noteLabel?: string;
  readonly children?: ReactNode;
  readonly onClose: () => void;
  /** Rejects with what went wrong; resolves when it is done, and the dialog closes. */
  readonly onWord: (note: string) => Promise<unknown>;
}

export function WordDialog(props: WordDialogProps): ReactNode {
  const { title, action, tone = 'primary', noteLabel, children, onClose, onWord } = props;
  const [note, setNote] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await onWord(note);
      onClose();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      {error !== null && <ProblemNote error={error} />}
      <form
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {noteLabel !== undefined && (
          <Area
            label={noteLabel}
            className="min-h-16"
            maxLength={2000}
            value={note}
            onChange={(event) => setNote(event.target.value)}
          />
        )}
        <DialogButtons>
          <Button tone="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" tone={tone} isBusy={busy}>
            {action}
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}
