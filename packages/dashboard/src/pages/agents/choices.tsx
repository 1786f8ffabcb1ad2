/** Some of a few names, each with a box; a name that is chosen and not declared any more can be let go. */
import type { ReactNode } from 'react';
import { toggled } from '../../lib/agent-form.ts';
import { Text } from '../../ui/text.tsx';

export interface ChoicesProps<T extends string> {
  readonly label: string;
  /** What it means that none is chosen. */
  readonly none: string;
  readonly all: readonly { readonly name: T; readonly words?: string }[];
  readonly chosen: readonly T[];
  readonly onChange: (chosen: readonly T[]) => void;
}

export function Choices<T extends string>(props: ChoicesProps<T>): ReactNode {
  const { all, chosen, label, none, onChange } = props;
  const known = new Map(all.map(({ name, words = '' }) => [name, words]));
  const gone = chosen.filter((name) => !known.has(name));
  const order = [...known.keys()];
  return (
    <fieldset className="grid gap-1">
      <legend className="mb-1 text-[0.87rem] font-medium">{label}</legend>
      {[...order, ...gone].map((name) => (
        <label key={name} className="flex items-start gap-2">
          <input
            type="checkbox"
            className="mt-1 size-4"
            checked={chosen.includes(name)}
            onChange={(event) => onChange(toggled(order, chosen, name, event.target.checked))}
          />
          <span className="min-w-0">
            <Text text={name} />{' '}
            <span className="text-[0.87rem] text-muted">{known.get(name) ?? 'not declared'}</span>
          </span>
        </label>
      ))}
      <p className="text-[0.82rem] text-muted">{none}</p>
    </fieldset>
  );
}
