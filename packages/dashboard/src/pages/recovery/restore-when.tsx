/**
 * The first step of the way back: out of which vault, as of when it is read, and what the target is to be like. What
 * the vault held then is looked up and shown before anything is begun.
 */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Answer, ask, type Body } from '../../api/client.ts';
import { utcTime } from '../../lib/times.ts';
import { Button } from '../../ui/button.tsx';
import { DialogButtons } from '../../ui/dialog.tsx';
import { Field, Select } from '../../ui/field.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { useAttempt } from '../../ui/use-attempt.ts';
import { useSettled } from '../../ui/use-settled.ts';
import {
  asOfIn,
  momentFault,
  momentIn,
  STEPS,
  secondsOf,
  shareOf,
  type Window,
} from './moments.ts';
import { viewQuery } from './queries.ts';
import { AsOfField, AsOfLook, Offers } from './restore-as-of.tsx';
import { isCounted } from './words.ts';

type Shown = Answer<'recovery.show'>;
type Wish = Body<'restores.begin'>['wish'];
type VaultSeen = NonNullable<Shown['report']>['vaults'][number];
type View = Answer<'restores.view'>;

interface WhenProps {
  readonly shown: Shown;
  readonly onClose: () => void;
  readonly onBegun: (id: string) => void;
}

const SETTLED_MS = 400;

export function WhenStep({ onBegun, onClose, shown }: WhenProps): ReactNode {
  const queries = useQueryClient();
  const { report, target, vaults } = shown;
  const [vault, setVault] = useState(vaults[0] ?? '');
  const [kind, setKind] = useState<'at' | 'newest' | 'point'>('at');
  const [typed, setTyped] = useState<string | null>(null);
  const [point, setPoint] = useState('');
  const [asOfTyped, setAsOfTyped] = useState('');
  const [isHalfTyped, setIsHalfTyped] = useState(false);
  const attempt = useAttempt();
  const asOf = asOfIn(asOfTyped);
  const settled = useSettled(asOf, SETTLED_MS);
  const look = useQuery(viewQuery(target, vault, settled));
  const seen = report?.vaults.find(({ name }) => name === vault) ?? null;
  // Only of the very time that is in the field: what came of another says nothing of this one.
  const looked = asOf !== null && settled === asOf ? look : null;
  const view = looked?.data ?? null;
  const there = asOf === null ? seenNow(seen) : seenThen(view);
  const { points, window } = there;
  const moment = typed ?? (window === null ? '' : secondsOf(window.to));
  const at = new Date(`${moment}Z`);
  const fault = kind === 'at' ? momentFault(at, window) : null;
  const wish = ((): Wish | null => {
    if (kind === 'newest') return { kind };
    if (kind === 'point') {
      const chosen = points.find(({ id }) => id === point) ?? points[0];
      return chosen === undefined ? null : { kind, id: chosen.id };
    }
    return fault === null ? { kind, at: at.toISOString() } : null;
  })();
  const isNothing = points.length === 0;
  const isReady = !isNothing && !isHalfTyped && wish !== null;
  const begin = (): void =>
    void attempt.run(async () => {
      if (!isReady || wish === null) return;
      const body = { vault, wish, asOf };
      const { id } = await ask('restores.begin', { params: { target }, body });
      await queries.invalidateQueries({ queryKey: ['recovery', 'restores'] });
      onBegun(id);
    });
  const setAsOf = (text: string, isHalf = false): void => {
    setAsOfTyped(text);
    setIsHalfTyped(isHalf);
  };
  return (
    <form
      className="grid gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        begin();
      }}
    >
      <p>
        It comes back beside the live target, which goes on as it is. What differs is shown before
        anything is written.
      </p>
      {vaults.length > 1 && (
        <Select
          label="From which vault"
          value={vault}
          onChange={(event) => {
            setVault(event.target.value);
            // A time was sound in the vault that said so, and in no other.
            setAsOf('');
          }}
        >
          {vaults.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </Select>
      )}
      <Offers views={seen?.views ?? []} asOf={asOf} onChoose={setAsOf} />
      <AsOfField
        key={vault}
        typed={asOfTyped}
        isHalfTyped={isHalfTyped}
        asOf={asOf}
        onType={setAsOf}
      />
      {asOf !== null && <AsOfLook vault={vault} asOf={asOf} query={looked} now={seen} />}
      {(asOf === null || view !== null) && (
        <>
          <Select
            label="Bring the target back as it was"
            value={kind}
            onChange={(event) => setKind(kindOf(event.target.value))}
          >
            <option value="at">at a moment</option>
            <option value="point">when a point was taken</option>
            <option value="newest">at the newest, with all the WAL there is</option>
          </Select>
          {kind === 'at' && window !== null && (
            <>
              <Field
                label="Moment (UTC)"
                type="datetime-local"
                step="1"
                value={moment}
                hint={`From ${utcTime(window.from)} to ${utcTime(window.to)}.`}
                fault={fault}
                onChange={(event) => setTyped(event.target.value)}
              />
              {asOf === null && seen !== null && isByOthers(at, seen) && (
                <p className="text-[0.9rem] text-warn">
                  <span aria-hidden="true">● </span>
                  Before the first point of this installation: it comes back by one that nobody here
                  can vouch for, as far as that reaches.
                </p>
              )}
              <input
                type="range"
                aria-label="Moment within the window"
                min={0}
                max={STEPS}
                value={shareOf(at, window)}
                onChange={(event) => setTyped(momentIn(window, Number(event.target.value)))}
                className="w-full accent-(--accent)"
              />
            </>
          )}
          {kind === 'point' && (
            <Select label="Point" value={point} onChange={(event) => setPoint(event.target.value)}>
              {points.map(({ endedAt, id, isOfOurs, isProven }) => (
                <option key={id} value={id}>
                  {utcTime(endedAt)}, {isProven ? 'came back in a drill' : 'not proven'}
                  {isOfOurs ? '' : ', not counted'}
                </option>
              ))}
            </Select>
          )}
          {kind === 'newest' && (
            <p className="text-[0.9rem] text-muted">
              It ends where the WAL ends, at no moment that people could sign: rows can be written
              back from it, whole tables cannot be proposed.
            </p>
          )}
        </>
      )}
      {asOf === null && isNothing && (
        <p className="text-danger">
          <span aria-hidden="true">▲ </span>There is no point in this vault to come back from.
        </p>
      )}
      {attempt.error !== null && <ProblemNote error={attempt.error} />}
      <DialogButtons>
        <Button tone="quiet" onClick={onClose}>
          Close
        </Button>
        <Button type="submit" tone="primary" isBusy={attempt.busy} disabled={!isReady}>
          Restore beside
        </Button>
      </DialogButtons>
    </form>
  );
}

interface There {
  readonly window: Window | null;
  /** Newest first. */
  readonly points: readonly {
    readonly id: string;
    readonly endedAt: string;
    readonly isProven: boolean;
    readonly isOfOurs: boolean;
  }[];
}

function seenNow(seen: VaultSeen | null): There {
  const points = (seen?.points ?? []).toReversed();
  return {
    window: seen === null ? null : wholeWindow(seen),
    points: points.map(({ drill, endedAt, id, seal }) => ({
      ...{ id, endedAt, isProven: drill === 'passed', isOfOurs: isCounted(seal) },
    })),
  };
}

function seenThen(view: View | null): There {
  const points = (view?.points ?? []).toReversed();
  return {
    window: view?.window ?? null,
    points: points.map(({ drilledAt, endedAt, id, isSealed }) => ({
      ...{ id, endedAt, isProven: drilledAt !== null, isOfOurs: isSealed !== null },
    })),
  };
}

/** Of ours, and of what was there before: both can be asked for. */
function wholeWindow({ others, window }: VaultSeen): Window | null {
  if (others === null || window === null) return window ?? others;
  const [from = window.from] = [others.from, window.from].toSorted();
  return { from, to: window.to };
}

/** What counts does not reach so far back. */
function isByOthers(at: Date, { others, window }: VaultSeen): boolean {
  return others !== null && (window === null || at.getTime() < Date.parse(window.from) - 999);
}

function kindOf(value: string): 'at' | 'newest' | 'point' {
  return value === 'point' || value === 'newest' ? value : 'at';
}
