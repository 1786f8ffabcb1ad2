/** The frame of a page: its heading, what it is for, and what can be done. */
import { type ReactNode, useEffect } from 'react';

export interface PageProps {
  readonly title: string;
  readonly lead?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, lead, actions, children }: PageProps): ReactNode {
  useEffect(() => {
    document.title = `${title} · Holdfast`;
  }, [title]);
  return (
    <div className="mx-auto grid w-full max-w-6xl grid-cols-[minmax(0,1fr)] gap-4 px-4 py-5 md:px-7">
      <header className="flex flex-wrap items-end justify-between gap-3">
        <div>
          <h1>{title}</h1>
          {lead !== undefined && (
            <p className="mt-0.5 max-w-2xl text-[0.93rem] text-muted">{lead}</p>
          )}
        </div>
        {actions}
      </header>
      {children}
    </div>
  );
}

export function Panel({
  title,
  aside,
  children,
  className = '',
}: {
  readonly title?: ReactNode;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
  readonly className?: string;
}): ReactNode {
  return (
    <section
      className={`panel grid grid-cols-[minmax(0,1fr)] content-start gap-3 p-4 ${className}`}
    >
      {(title !== undefined || aside !== undefined) && (
        <div className="flex flex-wrap items-baseline justify-between gap-2">
          <h2>{title}</h2>
          {aside}
        </div>
      )}
      {children}
    </section>
  );
}

/** `name value` lines for one thing. */
export function Facts({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <dl className="grid grid-cols-1 gap-x-5 gap-y-1.5 sm:grid-cols-[minmax(7rem,auto)_minmax(0,1fr)]">
      {children}
    </dl>
  );
}

export function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <>
      <dt className="text-[0.87rem] text-muted">{name}</dt>
      <dd className="mb-1 min-w-0 sm:mb-0">{children}</dd>
    </>
  );
}
