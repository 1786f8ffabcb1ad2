/** A word with a colour and a sign: the colour is never the only one to say it. */
import type { ReactNode } from 'react';
import { oneLine } from '../lib/visible.ts';

export type BadgeTone = 'plain' | 'accent' | 'danger' | 'warn' | 'ok';

const TONES: Readonly<Record<BadgeTone, string>> = {
  plain: 'bg-sunken text-muted border-line',
  accent: 'bg-accent-soft text-accent border-transparent',
  danger: 'bg-danger-soft text-danger border-transparent',
  warn: 'bg-warn-soft text-warn border-transparent',
  ok: 'bg-ok-soft text-ok border-transparent',
};
const SIGNS: Readonly<Record<BadgeTone, string>> = {
  plain: '',
  accent: '◆',
  danger: '▲',
  warn: '●',
  ok: '✓',
};

export interface BadgeProps {
  readonly tone?: BadgeTone;
  readonly children: ReactNode;
  readonly title?: string;
}

export function Badge({ tone = 'plain', children, title }: BadgeProps): ReactNode {
  return (
    <span
      title={title}
      className={`inline-flex items-center gap-1 rounded-md border px-1.5 py-0.5 text-[0.78rem] leading-tight font-medium whitespace-nowrap ${TONES[tone]}`}
    >
      {SIGNS[tone] !== '' && (
        <span aria-hidden="true" className="text-[0.65em]">
          {SIGNS[tone]}
        </span>
      )}
      {children}
    </span>
  );
}

const ENVIRONMENT: Readonly<Record<string, BadgeTone>> = {
  sealed: 'danger',
  guarded: 'warn',
  open: 'ok',
};

export function EnvironmentBadge({
  name,
  level,
}: {
  readonly name: string;
  readonly level: string;
}): ReactNode {
  return (
    <Badge tone={ENVIRONMENT[level] ?? 'danger'} title={oneLine(`environment ${name}, ${level}`)}>
      {oneLine(name)} · {level}
    </Badge>
  );
}

const STATES: Readonly<Record<string, BadgeTone>> = {
  waiting: 'accent',
  signed: 'ok',
  denied: 'danger',
  void: 'danger',
  expired: 'plain',
  consumed: 'plain',
  scheduled: 'accent',
  running: 'warn',
  done: 'ok',
  failed: 'danger',
  unknown: 'warn',
  cancelled: 'plain',
  kept: 'ok',
  undone: 'plain',
  purging: 'warn',
  purged: 'danger',
  forward: 'ok',
  protect: 'accent',
  hold: 'warn',
  refuse: 'danger',
};

export function StateBadge({ state }: { readonly state: string }): ReactNode {
  return <Badge tone={STATES[state] ?? 'plain'}>{state}</Badge>;
}
