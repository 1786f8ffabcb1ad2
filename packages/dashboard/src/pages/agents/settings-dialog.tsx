/** What an agent is for and may: said when it is added, and changed later. The gateway checks each word. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type AgentShown, agentsQuery } from '../../api/agents.ts';
import { ask } from '../../api/client.ts';
import { peopleQuery, targetsQuery } from '../../api/queries.ts';
import {
  type AgentForm,
  changesOf,
  EFFECT_KINDS,
  EFFECT_WORDS,
  EMPTY_FORM,
  formOf,
} from '../../lib/agent-form.ts';
import { oneLine } from '../../lib/visible.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { Field, Select } from '../../ui/field.tsx';
import { say } from '../../ui/toast.tsx';
import { Choices } from './choices.tsx';

const PURPOSE_CHARS_MAX = 200;

export function AddAgentDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const queries = useQueryClient();
  const parents = useQuery(agentsQuery).data ?? [];
  const [name, setName] = useState('');
  const [parent, setParent] = useState('');
  const [form, setForm] = useState(EMPTY_FORM);
  return (
    <ConfirmDialog
      title="Add an agent"
      action="Add"
      tone="primary"
      canConfirm={name.trim() !== '' && form.purpose.trim() !== ''}
      onClose={onClose}
      onConfirm={async () => {
        const said = changesOf(EMPTY_FORM, form);
        const above = parent === '' ? {} : { parent };
        const body = { ...said, name: name.trim(), purpose: form.purpose.trim(), ...above };
        await ask('agents.add', { body });
        await queries.invalidateQueries({ queryKey: ['agents'] });
        say(`${body.name} was added. Give it a token next.`);
      }}
    >
      <Field
        label="Name"
        hint="One piece of software, never shared: cursor-backend."
        maxLength={63}
        spellCheck={false}
        autoCapitalize="off"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <Settings form={form} nobody="you, or who answers for its parent" onChange={setForm} />
      <Select
        label="Sub-agent of"
        hint="It may no more than that one, and is paused with it. This cannot be changed later."
        value={parent}
        onChange={(event) => setParent(event.target.value)}
      >
        <option value="">nobody</option>
        {parents.map((one) => (
          <option key={one.id} value={one.name}>
            {oneLine(one.name)}
          </option>
        ))}
      </Select>
    </ConfirmDialog>
  );
}

export interface ChangeAgentProps {
  readonly agent: AgentShown;
  readonly onClose: () => void;
}

export function ChangeAgentDialog({ agent, onClose }: ChangeAgentProps): ReactNode {
  const queries = useQueryClient();
  // As it was when the dialog opened: what others change meanwhile is theirs.
  const [before] = useState(() => formOf(agent));
  const [form, setForm] = useState(before);
  const change = changesOf(before, form);
  return (
    <ConfirmDialog
      title={`What ${agent.name} is for and may`}
      action="Save"
      tone="primary"
      canConfirm={Object.keys(change).length > 0}
      onClose={onClose}
      onConfirm={async () => {
        await ask('agents.change', { params: { name: agent.name }, body: change });
        await queries.invalidateQueries({ queryKey: ['agents'] });
        say('Saved. It counts at once, for its live sessions, too.');
      }}
    >
      <Settings
        form={form}
        nobody={before.owner === '' ? 'nobody: say who' : null}
        onChange={setForm}
      />
    </ConfirmDialog>
  );
}

interface SettingsProps {
  readonly form: AgentForm;
  /** What it is where no person is chosen; null: that cannot be. */
  readonly nobody: string | null;
  readonly onChange: (form: AgentForm) => void;
}

function Settings({ form, nobody, onChange }: SettingsProps): ReactNode {
  const people = useQuery(peopleQuery).data?.items ?? [];
  const places = useQuery(targetsQuery).data?.environments ?? [];
  const set = (some: Partial<AgentForm>): void => onChange({ ...form, ...some });
  return (
    <>
      <Field
        label="What it is for"
        hint="In one sentence."
        maxLength={PURPOSE_CHARS_MAX}
        value={form.purpose}
        onChange={(event) => set({ purpose: event.target.value })}
      />
      <Select
        label="Who answers for it"
        hint="Somebody else than was said is put there by an owner."
        value={form.owner}
        onChange={(event) => set({ owner: event.target.value })}
      >
        {nobody !== null && <option value="">{nobody}</option>}
        {people.map((one) => (
          <option key={one.id} value={one.name}>
            {oneLine(one.name)}
          </option>
        ))}
      </Select>
      <Choices
        label="May work in"
        none="None chosen: whichever its tokens name."
        all={places.map(({ name }) => ({ name }))}
        chosen={form.environments}
        onChange={(environments) => set({ environments })}
      />
      <Choices
        label="On"
        none="None chosen: whichever its tokens name."
        all={places.flatMap(({ targets }) => targets.map(({ name }) => ({ name })))}
        chosen={form.targets}
        onChange={(targets) => set({ targets })}
      />
      <Choices
        label="May ask for"
        none="None chosen: each kind. Policy decides on all that it asks."
        all={EFFECT_KINDS.map((name) => ({ name, words: EFFECT_WORDS[name] }))}
        chosen={form.effectKinds}
        onChange={(effectKinds) => set({ effectKinds })}
      />
      <Field
        label="Works"
        hint="As Mon-Fri 08:00-19:00 Europe/Lisbon; empty: always."
        spellCheck={false}
        value={form.workingHours}
        onChange={(event) => set({ workingHours: event.target.value })}
      />
      <Field
        label="Ends on"
        hint="The day begins in UTC; empty: never."
        type="date"
        value={form.expiresOn}
        onChange={(event) => set({ expiresOn: event.target.value })}
      />
    </>
  );
}
