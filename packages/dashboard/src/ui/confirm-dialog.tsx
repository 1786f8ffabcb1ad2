/** Asks once more before something that others will notice; and shows what went wrong, if it did. */
import { type ReactNode, useState } from 'react';
import { Button } from './button.tsx';
import { Dialog, DialogButtons } from './dialog.tsx';
import { ProblemNote } from './problem.tsx';

export interface ConfirmDialogProps {
  readonly title: string;
  readonly action: string;
  readonly tone?: 'primary' | 'danger';
  readonly children: ReactNode;
  readonly canConfirm?: boolean;
  readonly onClose: () => void;
  readonly onConfirm: () => Promise<unknown>;
}

export function ConfirmDialog(props: ConfirmDialogProps): ReactNode {
  const { title, action, tone = 'danger', children, canConfirm = true, onClose, onConfirm } = props;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const confirm = async (): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await onConfirm();
      onClose();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        {children}
        {error !== null && <ProblemNote error={error} />}
        <DialogButtons>
          <Button tone="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" tone={tone} isBusy={busy} disabled={!canConfirm}>
            {action}
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}
