/**
 * A vault as it was: for when somebody wrote into it. Folded, so that who needs none of it does not read it; offered
 * where the status knows a time at which the vault was sound; and what lay there then, before anything is restored.
 */
import type { UseQueryResult } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { Answer } from '../../api/client.ts';
import { plural } from '../../lib/measures.ts';
import { utcTime } from '../../lib/times.ts';
import { Button } from '../../ui/button.tsx';
import { Field } from '../../ui/field.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';
import { fieldTextOf } from './moments.ts';
import { PASSED_OVER, type VaultReport } from './words.ts';

type View = Answer<'restores.view'>;

interface OffersProps {
  readonly views: VaultReport['views'];
  readonly asOf: string | null;
  readonly onChoose: (typed: string) => void;
}

/** A click reads the vault as of then; another one as it is now. */
export function Offers({ asOf, onChoose, views }: OffersProps): ReactNode {
  if (views.length === 0) return null;
  return (
    <ul aria-label="When the vault was sound" className="grid gap-2">
      {views.map(({ at, why }) => (
        <li
          key={`${at} ${why}`}
          className="grid justify-items-start gap-2 rounded-lg border border-warn bg-warn-soft p-3 text-[0.93rem]"
        >
          <p>
            <Text text={why} /> Read as of then, {PASSED_OVER}
          </p>
          <Button
            size="small"
            aria-pressed={asOf === at}
            onClick={() => onChoose(asOf === at ? '' : fieldTextOf(at))}
          >
            {asOf === at && <span aria-hidden="true">✓</span>}
            Read it as it was at {utcTime(at)}
          </Button>
        </li>
      ))}
    </ul>
  );
}

interface AsOfFieldProps {
  readonly typed: string;
  readonly isHalfTyped: boolean;
  readonly asOf: string | null;
  readonly onType: (typed: string, isHalfTyped?: boolean) => void;
}

export function AsOfField({ asOf, isHalfTyped, onType, typed }: AsOfFieldProps): ReactNode {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details
      open={isOpen || isHalfTyped}
      onToggle={(event) => setIsOpen(event.currentTarget.open)}
      className="text-[0.93rem]"
    >
      <summary className="cursor-pointer text-[0.87rem] font-medium">
        Somebody wrote into the vault?{' '}
        {asOf === null ? 'Read it as it was' : 'It is read as it was'}
      </summary>
      <div className="mt-2">
        <Field
          label="Read the vault as it was at (UTC)"
          type="datetime-local"
          // As exact as what was offered; seconds are what people type.
          step={typed.includes('.') ? '0.001' : '1'}
          value={typed}
          hint="Empty: as it is now."
          fault={isHalfTyped ? 'A day and a time, to the second; or nothing.' : null}
          onChange={({ target: { validity, value } }) => onType(value, validity.badInput)}
          onBlur={({ target: { validity, value } }) => onType(value, validity.badInput)}
        />
      </div>
    </details>
  );
}

interface LookProps {
  readonly vault: string;
  readonly asOf: string;
  /** Null: nobody has asked yet. */
  readonly query: UseQueryResult<View> | null;
  /** The vault as it is, as far as it was looked at. */
  readonly now: VaultReport | null;
}

/** What will be read, before anybody says yes to it. */
export function AsOfLook({ asOf, now, query, vault }: LookProps): ReactNode {
  const view = query?.data ?? null;
  const left = view === null || now === null ? 0 : oursSince(view, now);
  if (view === null && query?.isError === true) {
    return <ProblemNote error={query.error} onRetry={() => void query.refetch()} />;
  }
  return (
    <section
      aria-label="What lay there then"
      role="status"
      className="grid gap-1 rounded-lg bg-sunken p-3 text-[0.93rem]"
    >
      {view === null ? (
        <p>
          Looking up what lay in <Text text={vault} className="font-mono" /> at {utcTime(asOf)} …
        </p>
      ) : (
        <>
          <p>
            <Text text={vault} className="font-mono" /> as it was at {utcTime(view.asOf)}:{' '}
            {plural(view.points.length, 'point')} to come back from, the newest of{' '}
            {utcTime(view.points.at(-1)?.endedAt ?? '')}. It reaches to {utcTime(view.window.to)}.
          </p>
          {left > 0 && (
            <p className="font-medium">
              <span aria-hidden="true">● </span>
              {plural(left, 'newer point')} of your own Holdfast that {left === 1 ? 'is' : 'are'}{' '}
              there now would be passed over, too.
            </p>
          )}
          <p className="text-muted">
            {PASSED_OVER_FIRST} <Text text={view.view} />
          </p>
        </>
      )}
    </section>
  );
}

/** Whoever litters a vault for long makes the time at which it was sound an old one. */
export function oursSince(view: View, now: VaultReport): number {
  const then = new Set(view.points.map(({ id }) => id));
  const newest = view.points.at(-1)?.endedAt ?? '';
  return now.points.filter(
    ({ endedAt, id, isSealed }) => isSealed === true && endedAt > newest && !then.has(id),
  ).length;
}

const PASSED_OVER_FIRST = `${PASSED_OVER.charAt(0).toUpperCase()}${PASSED_OVER.slice(1)}`;
