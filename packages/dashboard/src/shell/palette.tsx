/** Everything by its name: pages, and what can be done from anywhere. Arrows choose, Enter does. */
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, type ReactNode, useId, useState } from 'react';
import { Dialog } from '../ui/dialog.tsx';
import { Kbd } from '../ui/kbd.tsx';
import { PLACES_SHOWN } from './places.ts';
import { setTheme } from './theme.ts';

interface Choice {
  readonly name: string;
  readonly words: string;
  readonly keys: string;
  readonly run: () => void;
}

export function Palette({
  onClose,
  onShortcuts,
}: {
  readonly onClose: () => void;
  readonly onShortcuts: () => void;
}): ReactNode {
  const navigate = useNavigate();
  const id = useId();
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const all: readonly Choice[] = [
    ...PLACES_SHOWN.map(({ to, name, key, words }) => ({
      name,
      words,
      keys: `g ${key}`,
      run: () => void navigate({ to }),
    })),
    {
      name: 'Rebuilds',
      words: 'what a restored copy lacks, decided cell by cell',
      keys: '',
      run: () => void navigate({ to: '/rebuilds' }),
    },
    { name: 'Shortcuts', words: 'every key, listed', keys: '?', run: onShortcuts },
    { name: 'Light', words: 'a light page', keys: '', run: () => setTheme('light') },
    { name: 'Dark', words: 'a dark page', keys: '', run: () => setTheme('dark') },
    {
      name: 'As the device',
      words: 'light or dark as the device says',
      keys: '',
      run: () => setTheme('device'),
    },
  ];
  const wanted = typed.trim().toLowerCase();
  const isHoldId = /^hold_[0-9a-z]+$/.test(wanted);
  const found: readonly Choice[] = isHoldId
    ? [
        {
          name: `Hold ${wanted}`,
          words: 'open its card',
          keys: '',
          run: () => void navigate({ to: '/holds/$id', params: { id: wanted } }),
        },
      ]
    : all.filter(({ name, words }) => `${name} ${words}`.toLowerCase().includes(wanted));
  const chosen = Math.min(at, found.length - 1);
  const run = (choice: Choice | undefined): void => {
    if (choice === undefined) return;
    onClose();
    choice.run();
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown') setAt(Math.min(found.length - 1, chosen + 1));
    else if (event.key === 'ArrowUp') setAt(Math.max(0, chosen - 1));
    else if (event.key === 'Enter') run(found[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Go to, or do" onClose={onClose}>
      <input
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={chosen >= 0 ? `${id}-${chosen}` : undefined}
        aria-label="Search pages and commands, or paste the id of a hold"
        placeholder="A page, a command, or the id of a hold"
        className="input"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKey}
      />
      <div
        role="listbox"
        id={`${id}-list`}
        aria-label="Found"
        className="grid max-h-[50dvh] overflow-auto"
      >
        {found.map((choice, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are the combobox's
          <div
            key={choice.name}
            tabIndex={-1}
            role="option"
            id={`${id}-${index}`}
            aria-selected={index === chosen}
            onClick={() => run(choice)}
            className="flex cursor-pointer items-baseline justify-between gap-3 rounded-md px-3 py-2 hover:bg-sunken aria-selected:bg-accent-soft"
          >
            <span>
              <span className="font-medium">{choice.name}</span>{' '}
              <span className="text-[0.87rem] text-muted">{choice.words}</span>
            </span>
            {choice.keys !== '' && <Kbd keys={choice.keys} />}
          </div>
        ))}
        {found.length === 0 && <p className="px-3 py-4 text-muted">Nothing is called that.</p>}
      </div>
    </Dialog>
  );
}
