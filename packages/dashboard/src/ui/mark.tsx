/** Our mark, in the colours of the theme. Beside our name: nothing to read out. */
import type { ReactNode } from 'react';

export function Mark({ className }: { readonly className: string }): ReactNode {
  return (
    <svg aria-hidden="true" viewBox="0 0 32 32" className={className}>
      <rect width="32" height="32" rx="7" className="fill-accent" />
      <path
        d="M9 7v18M23 7v18M9 16h14"
        className="stroke-accent-ink"
        strokeWidth="4"
        strokeLinecap="round"
        fill="none"
      />
    </svg>
  );
}
