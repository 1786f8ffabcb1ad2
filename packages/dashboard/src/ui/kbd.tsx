import type { ReactNode } from 'react';

export function Kbd({ keys }: { readonly keys: string }): ReactNode {
  return (
    <span className="inline-flex gap-0.5">
      {keys.split(' ').map((key) => (
        <kbd
          key={key}
          className="min-w-5 rounded border border-line-strong bg-sunken px-1 text-center font-mono text-[0.75rem] leading-5 text-ink"
        >
          {key}
        </kbd>
      ))}
    </span>
  );
}
