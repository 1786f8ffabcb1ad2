/**
 * Asks for a newer proof that the person is there, when the API wants one. What asked waits, and goes on
 * once; when the dialog is closed, it fails with what the API said.
 */
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { ask, onProofWanted } from '../api/client.ts';
import { askPasskey } from '../passkeys.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { CodeField } from '../ui/field.tsx';
import { ProblemNote } from '../ui/problem.tsx';

export function ProveAgain(): ReactNode {
  const queries = useQueryClient();
  const [waiting, setWaiting] = useState<readonly ((given: boolean) => void)[]>([]);
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    onProofWanted(() => new Promise((done) => setWaiting((before) => [...before, done])));
    return () => onProofWanted(null);
  }, []);
  if (waiting.length === 0) return null;
  const end = (given: boolean): void => {
    for (const done of waiting) done(given);
    setWaiting([]);
    setCode('');
    setError(null);
    if (given) void queries.invalidateQueries({ queryKey: ['session'] });
  };
  const attempt = async (prove: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await prove();
      end(true);
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  const byPasskey = async (): Promise<void> => {
    const { ceremony, options } = await ask('session.prove.begin');
    await ask('session.prove', { body: { ceremony, response: await askPasskey(options) } });
  };
  return (
    <Dialog title="Prove again that it is you" onClose={() => end(false)}>
      <p className="text-muted">
        This wants a proof from the last ten minutes that it is you. Then it goes on by itself.
      </p>
      {error !== null && <ProblemNote error={error} />}
      <Button tone="primary" isBusy={busy} onClick={() => void attempt(byPasskey)}>
        Use my passkey
      </Button>
      <form
        className="grid gap-3 border-t border-line pt-4"
        onSubmit={(event) => {
          event.preventDefault();
          void attempt(() => ask('session.prove', { body: { code } }));
        }}
      >
        <CodeField value={code} onCode={setCode} />
        <div className="flex justify-end gap-2">
          <Button tone="quiet" onClick={() => end(false)}>
            Cancel
          </Button>
          <Button type="submit" disabled={code.length !== 6} isBusy={busy}>
            Use this code
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
