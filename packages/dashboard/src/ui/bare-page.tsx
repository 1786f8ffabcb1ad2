/** A page outside of everything: one thing to do, in the middle. */
import { type ReactNode, useEffect } from 'react';
import { Mark } from './mark.tsx';

export interface BarePageProps {
  readonly title: string;
  readonly children: ReactNode;
}

export function BarePage({ title, children }: BarePageProps): ReactNode {
  useEffect(() => {
    document.title = `${title} · Holdfast`;
  }, [title]);
  return (
    <main className="mx-auto grid min-h-dvh w-full max-w-md content-center gap-5 p-5">
      <div className="flex items-center gap-2.5">
        <Mark className="size-8" />
        <span className="text-lg font-semibold tracking-tight">Holdfast</span>
      </div>
      <div className="panel grid grid-cols-[minmax(0,1fr)] gap-4 p-5">
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
