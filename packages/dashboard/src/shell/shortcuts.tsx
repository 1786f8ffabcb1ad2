import type { ReactNode } from 'react';
import { Button } from '../ui/button.tsx';
import { Dialog, DialogButtons } from '../ui/dialog.tsx';
import { Kbd } from '../ui/kbd.tsx';
import { PLACES_SHOWN } from './places.ts';

const KEYS: readonly (readonly [keys: string, words: string])[] = [
  ['⌘ K', 'go to, or do (Ctrl K, too)'],
  ['?', 'this list'],
  ['j', 'down in a list'],
  ['k', 'up in a list'],
  ['Enter', 'open what is chosen'],
  ['a', 'approve the hold on screen'],
  ['d', 'deny the hold on screen'],
  ['Esc', 'close a dialog'],
];

export function Shortcuts({ onClose }: { readonly onClose: () => void }): ReactNode {
  const all = [...KEYS, ...PLACES_SHOWN.map(({ key, name }) => [`g ${key}`, name] as const)];
  return (
    <Dialog title="Shortcuts" onClose={onClose}>
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-2">
        {all.map(([keys, words]) => (
          <div key={keys} className="contents">
            <dt>
              <Kbd keys={keys} />
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
      </dl>
      <DialogButtons>
        <Button onClick={onClose}>Close</Button>
      </DialogButtons>
    </Dialog>
  );
}
