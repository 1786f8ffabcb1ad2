import type { ReactNode } from 'react';

/** What nobody said, or what stands there instead. */
export function Unsaid({ words = 'nobody said' }: { readonly words?: string }): ReactNode {
  return <span className="text-muted">{words}</span>;
}
