/** An error with all three of its parts, always: what was expected, what was found, what to do. */
import type { ReactNode } from 'react';
import { Problem } from '../api/problem.ts';
import { Button } from './button.tsx';
import { Text } from './text.tsx';

export interface ProblemNoteProps {
  readonly error: unknown;
  readonly onRetry?: () => void;
}

export function ProblemNote({ error, onRetry }: ProblemNoteProps): ReactNode {
  const { code, title, expected, found, hint } = Problem.of(error);
  return (
    <div role="alert" className="rounded-lg border border-danger bg-danger-soft p-3 text-[0.93rem]">
      <p className="font-semibold text-danger">
        <span aria-hidden="true">▲ </span>
        {title} <span className="font-mono text-[0.8rem] font-normal">{code}</span>
      </p>
      <dl className="mt-1 grid grid-cols-[auto_1fr] gap-x-3">
        <dt className="text-muted">expected</dt>
        <dd>
          <Text text={expected} />
        </dd>
        <dt className="text-muted">found</dt>
        <dd>
          <Text text={found} />
        </dd>
        <dt className="text-muted">do</dt>
        <dd className="font-medium">
          <Text text={hint} />
        </dd>
      </dl>
      {onRetry !== undefined && (
        <Button size="small" className="mt-2" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}
