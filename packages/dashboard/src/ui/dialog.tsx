/**
 * A dialog over the page. The browser's own <dialog> keeps the focus inside, takes Escape, and gives
 * the focus back to where it was.
 */
import { type ReactNode, useEffect, useId, useRef } from 'react';
import { oneLine } from '../lib/visible.ts';

export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly wide?: boolean;
}

export function Dialog({ title, onClose, children, wide = false }: DialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current;
    if (element === null) return;
    const before = document.activeElement;
    element.showModal();
    return () => {
      element.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === event.currentTarget) onClose();
      }}
      onKeyDown={(event) => event.stopPropagation()}
      className={`fade-in m-auto max-h-[90dvh] w-[calc(100vw-1.5rem)] overflow-auto rounded-xl border border-line bg-surface p-0 text-ink shadow-(--shadow) backdrop:bg-black/45 ${wide ? 'max-w-2xl' : 'max-w-md'}`}
    >
      <div className="grid gap-4 p-5">
        <h2 id={id} className="text-lg">
          {oneLine(title)}
        </h2>
        {children}
      </div>
    </dialog>
  );
}

export function DialogButtons({ children }: { readonly children: ReactNode }): ReactNode {
  return <div className="flex flex-wrap justify-end gap-2 pt-1">{children}</div>;
}
