/** Stopping an agent, letting it go on, and taking its tokens back. A pause is a click and a word away. */
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { ask } from '../../api/client.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { say } from '../../ui/toast.tsx';

const NOTE_CHARS_MAX = 500;

export interface StopDialogProps {
  readonly name: string;
  /** What stands in the note already. */
  readonly note?: string;
  readonly onClose: () => void;
}

export function PauseDialog({ name, note: first = '', onClose }: StopDialogProps): ReactNode {
  const queries = useQueryClient();
  const [note, setNote] = useState(first);
  return (
    <ConfirmDialog
      title={`Pause ${name}`}
      action="Pause"
      canConfirm={note.trim() !== ''}
      onClose={onClose}
      onConfirm={async () => {
        const body = { note: note.trim() };
        const { agent, changed } = await ask('agents.pause', { params: { name }, body });
        await queries.invalidateQueries({ queryKey: ['agents'] });
        const by = agent.paused?.by ?? 'somebody';
        say(changed ? 'Paused. Its sessions are cut.' : `It was paused already, by ${by}.`);
      }}
    >
      <p>
        It and the agents below it are cut at once, what runs included, and refused until somebody
        resumes it. Its tokens stay.
      </p>
      <Field
        label="Why"
        hint="The agent is told; the trail keeps it."
        maxLength={NOTE_CHARS_MAX}
        value={note}
        onChange={(event) => setNote(event.target.value)}
      />
    </ConfirmDialog>
  );
}

export function ResumeDialog({ name, onClose }: StopDialogProps): ReactNode {
  const queries = useQueryClient();
  const [note, setNote] = useState('');
  return (
    <ConfirmDialog
      title={`Resume ${name}`}
      action="Resume"
      tone="primary"
      onClose={onClose}
      onConfirm={async () => {
        const body = { note: note.trim() };
        const { agent } = await ask('agents.resume', { params: { name }, body });
        await queries.invalidateQueries({ queryKey: ['agents'] });
        say(agent.stop === null ? 'Resumed.' : `Resumed; it still may nothing now: ${agent.stop}.`);
      }}
    >
      <p>Its tokens, and those of the agents below it, let them in again.</p>
      <Field
        label="Why (kept in the trail)"
        maxLength={NOTE_CHARS_MAX}
        value={note}
        onChange={(event) => setNote(event.target.value)}
      />
    </ConfirmDialog>
  );
}

export function RevokeAllDialog({ name, onClose }: StopDialogProps): ReactNode {
  const queries = useQueryClient();
  return (
    <ConfirmDialog
      title={`Revoke all tokens of ${name}`}
      action="Revoke all"
      onClose={onClose}
      onConfirm={async () => {
        await ask('agents.revoke', { params: { name } });
        await queries.invalidateQueries({ queryKey: ['agents'] });
        say('Revoked. Its sessions are cut.');
      }}
    >
      <p>
        It and the agents below it are cut at once and cannot get in until they are given new
        tokens.
      </p>
    </ConfirmDialog>
  );
}

export function RevokeDialog({
  id,
  onClose,
}: {
  readonly id: string;
  readonly onClose: () => void;
}): ReactNode {
  const queries = useQueryClient();
  return (
    <ConfirmDialog
      title="Revoke this token"
      action="Revoke"
      onClose={onClose}
      onConfirm={async () => {
        await ask('tokens.revoke', { params: { id } });
        await queries.invalidateQueries({ queryKey: ['agents'] });
        say('Revoked. Its sessions are cut.');
      }}
    >
      <p>
        Whoever holds it is cut at once, what runs included. It cannot be given back; issue another
        one instead.
      </p>
    </ConfirmDialog>
  );
}
