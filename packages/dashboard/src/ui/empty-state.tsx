/** Nothing there, and what that means: what would be here, and how it gets here. */
import type { ReactNode } from 'react';

export interface EmptyStateProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly command?: string;
}

export function EmptyState({ title, children, command }: EmptyStateProps): ReactNode {
  return (
    <div className="mx-auto grid max-w-lg gap-2 px-4 py-14 text-center">
      <p className="text-base font-semibold">{title}</p>
      <div className="text-muted">{children}</div>
      {command !== undefined && (
        <p>
          <code className="inline-block rounded-md border border-line bg-sunken px-2 py-1 font-mono text-[0.87rem]">
            {command}
          </code>
        </p>
      )}
    </div>
  );
}
