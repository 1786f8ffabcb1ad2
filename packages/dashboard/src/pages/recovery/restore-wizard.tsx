/**
 * The way back, step by step: when -> it restores beside the live target -> what differs -> which tables or rows
 * -> a preview in numbers -> written back, or proposed for several people to sign -> discarded. Nothing of the
 * live target changes before the last step.
 */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Answer, ask, type Body } from '../../api/client.ts';
import { utcTime } from '../../lib/times.ts';
import { oneLine } from '../../lib/visible.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { Field, Select } from '../../ui/field.tsx';
import { Loaded } from '../../ui/loading.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';
import { useAttempt } from '../../ui/use-attempt.ts';
import { restoreQuery, restoresQuery } from './queries.ts';
import { DiffStep } from './restore-diff.tsx';
import { isCounted, progressWords, shortSpan, type VaultReport } from './words.ts';

type Shown = Answer<'recovery.show'>;
type Copy = Answer<'restores.show'>;
type Ready = Extract<Copy['standing'], { state: 'ready' }>;
type Wish = Body<'restores.begin'>['wish'];

interface WizardProps {
  readonly shown: Shown;
  readonly onClose: () => void;
}

export function RestoreWizard({ onClose, shown }: WizardProps): ReactNode {
  const [id, setId] = useState<string | null>(null);
  return (
    <Dialog title={`Restore ${oneLine(shown.target)}`} onClose={onClose} wide>
      {id === null ? (
        <>
          <Standing target={shown.target} onOpen={setId} />
          <WhenStep shown={shown} onClose={onClose} onBegun={setId} />
        </>
      ) : (
        <CopyStep target={shown.target} id={id} onClose={onClose} onAgain={() => setId(null)} />
      )}
    </Dialog>
  );
}

/** Copies that stand already: whoever closed the dialog goes on with theirs. */
function Standing({
  onOpen,
  target,
}: {
  readonly target: string;
  readonly onOpen: (id: string) => void;
}): ReactNode {
  const items = useQuery(restoresQuery(target)).data?.items ?? [];
  const standing = items.filter(
    ({ standing: { state } }) => state === 'running' || state === 'ready',
  );
  if (standing.length === 0) return null;
  return (
    <ul aria-label="Copies that stand" className="grid gap-2">
      {standing.map(({ asOf, askedAt, askedBy, id, standing: { state }, wish }) => (
        <li
          key={id}
          className="flex flex-wrap items-center justify-between gap-2 rounded-lg border border-line p-3"
        >
          <span>
            <Badge tone={state === 'ready' ? 'ok' : 'accent'}>{state}</Badge>{' '}
            {wishWords({ asOf, wish })}, asked by <Text text={askedBy} />{' '}
            <Time at={askedAt} relative />
          </span>
          <Button size="small" onClick={() => onOpen(id)}>
            Go on with it
          </Button>
        </li>
      ))}
    </ul>
  );
}

interface WhenProps extends WizardProps {
  readonly onBegun: (id: string) => void;
}

const STEPS = 1_000;

function WhenStep({ onBegun, onClose, shown }: WhenProps): ReactNode {
  const queries = useQueryClient();
  const { report, target, vaults } = shown;
  const [vault, setVault] = useState(vaults[0] ?? '');
  const [kind, setKind] = useState<'at' | 'newest' | 'point'>('at');
  const [typed, setTyped] = useState<string | null>(null);
  const [point, setPoint] = useState('');
  const attempt = useAttempt();
  const there = report?.vaults.find(({ name }) => name === vault) ?? null;
  const window = there === null ? null : wholeWindow(there);
  const points = (there?.points ?? []).toReversed();
  const moment = typed ?? (window === null ? '' : secondsOf(window.to));
  const at = new Date(`${moment}Z`);
  const fault = kind === 'at' ? momentFault(at, window) : null;
  const wish = ((): Wish | null => {
    if (kind === 'newest') return { kind };
    if (kind === 'point') return { kind, id: point === '' ? (points[0]?.id ?? '') : point };
    return fault === null ? { kind, at: at.toISOString() } : null;
  })();
  const isNothing = points.length === 0;
  const begin = (): void =>
    void attempt.run(async () => {
      if (wish === null) return;
      const { id } = await ask('restores.begin', { params: { target }, body: { vault, wish } });
      await queries.invalidateQueries({ queryKey: ['recovery', 'restores'] });
      onBegun(id);
    });
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
          onChange={(event) => setVault(event.target.value)}
        >
          {vaults.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </Select>
      )}
      <Select
        label="As it was"
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
          {there !== null && isByOthers(at, there) && (
            <p className="text-[0.9rem] text-warn">
              <span aria-hidden="true">● </span>
              Before the first point of this installation: it comes back by one that nobody here can
              vouch for, as far as that reaches.
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
          {points.map(({ drill, endedAt, id, seal }) => (
            <option key={id} value={id}>
              {utcTime(endedAt)}, {drill === 'passed' ? 'came back in a drill' : 'not proven'}
              {isCounted(seal) ? '' : ', not counted'}
            </option>
          ))}
        </Select>
      )}
      {kind === 'newest' && (
        <p className="text-[0.9rem] text-muted">
          It ends where the WAL ends, at no moment that people could sign: rows can be written back
          from it, whole tables cannot be proposed.
        </p>
      )}
      {isNothing && (
        <p className="text-danger">
          <span aria-hidden="true">▲ </span>There is no point in this vault to come back from.
        </p>
      )}
      {attempt.error !== null && <ProblemNote error={attempt.error} />}
      <DialogButtons>
        <Button tone="quiet" onClick={onClose}>
          Close
        </Button>
        <Button
          type="submit"
          tone="primary"
          isBusy={attempt.busy}
          disabled={isNothing || wish === null}
        >
          Restore beside
        </Button>
      </DialogButtons>
    </form>
  );
}

interface CopyStepProps {
  readonly target: string;
  readonly id: string;
  readonly onClose: () => void;
  readonly onAgain: () => void;
}

function CopyStep({ id, onAgain, onClose, target }: CopyStepProps): ReactNode {
  const query = useQuery(restoreQuery(target, id));
  const queries = useQueryClient();
  const attempt = useAttempt();
  const discard = (): void =>
    void attempt.run(async () => {
      await ask('restores.discard', { params: { target, id } });
      await queries.invalidateQueries({ queryKey: ['recovery'] });
    });
  return (
    <Loaded query={query} what="the restore">
      {(copy) => {
        const { standing } = copy;
        const isOver = standing.state === 'failed' || standing.state === 'discarded';
        return (
          <>
            <p className="flex flex-wrap items-baseline gap-2">
              <Badge tone={TONES[standing.state]}>{standing.state}</Badge>
              <span>
                <Text text={copy.target} className="font-mono" /> from{' '}
                <Text text={copy.vault} className="font-mono" />, {wishWords(copy)}
              </span>
            </p>
            {standing.state === 'running' && <Running standing={standing} />}
            {standing.state === 'failed' && (
              <p role="alert" className="text-danger">
                <span aria-hidden="true">▲ </span>
                Expected <Text text={standing.expected} />; found <Text text={standing.found} />.{' '}
                <Text text={standing.hint} />{' '}
                <span className="font-mono text-[0.8rem]">{standing.code}</span>
              </p>
            )}
            {standing.state === 'discarded' && <p>{DISCARDED[standing.why]}</p>}
            {standing.state === 'ready' && (
              <>
                <ReadyFacts ready={standing} />
                <DiffStep target={target} id={id} ready={standing} />
              </>
            )}
            {attempt.error !== null && <ProblemNote error={attempt.error} />}
            <DialogButtons>
              {isOver ? (
                <Button onClick={onAgain}>Another one</Button>
              ) : (
                <Button tone="danger" isBusy={attempt.busy} onClick={discard}>
                  Discard it
                </Button>
              )}
              <Button tone="quiet" onClick={onClose}>
                Close
              </Button>
            </DialogButtons>
          </>
        );
      }}
    </Loaded>
  );
}

function Running({
  standing: { progress },
}: {
  readonly standing: Extract<Copy['standing'], { state: 'running' }>;
}): ReactNode {
  return (
    <div role="status" className="grid gap-1">
      <p className="tabular-nums">
        {progress === null
          ? 'It waits for other work on recovery, or has just begun.'
          : progressWords(progress)}
      </p>
      {progress !== null && progress.totalBytes !== null && (
        <progress
          aria-label="How far the restore is"
          className="w-full"
          value={progress.doneBytes}
          max={Math.max(1, progress.totalBytes)}
        />
      )}
      <p className="text-[0.87rem] text-muted">It goes on when this is closed.</p>
    </div>
  );
}

function ReadyFacts({ ready }: { readonly ready: Ready }): ReactNode {
  const { goal, keptUntil, point, rtoMs } = ready;
  return (
    <p className="text-[0.93rem]">
      It came back in {shortSpan(rtoMs)}, by the point{' '}
      <Text text={point.id} className="font-mono text-[0.87rem]" />
      {goal.at === null ? '' : `, as of ${utcTime(goal.at)}`}.{' '}
      {point.drilledAt === null ? (
        'No drill of this point is known here to have passed.'
      ) : (
        <>
          {point.isSealed === null ? 'It came back' : 'Proven'}{' '}
          <Time at={point.drilledAt} relative /> {point.isSealed === null ? 'in' : 'by'} a drill.
        </>
      )}{' '}
      {sealWords(point.isSealed)}It goes <Time at={keptUntil} relative />, unless somebody uses it.
    </p>
  );
}

function sealWords(isSealed: boolean | null): string {
  if (isSealed === true) return '';
  return isSealed === null
    ? 'It is sealed with a key that is not here: nobody can tell whether it is of your own Holdfast. '
    : 'It has no seal of this Holdfast: whoever can write into the vault may have made it. ';
}

const TONES = { running: 'accent', ready: 'ok', failed: 'danger', discarded: 'plain' } as const;

const DISCARDED = {
  asked: 'Somebody discarded it: nothing is left of it.',
  idle: 'Nobody used it for two hours, so it was discarded.',
  kept: 'It was kept elsewhere, by a command.',
  stopped: 'Holdfast stopped, and nothing is left of it.',
} as const;

function wishWords({ asOf, wish }: Pick<Copy, 'asOf' | 'wish'>): string {
  const view = asOf === null ? '' : `, out of the vault as it was at ${utcTime(asOf)}`;
  return `${whenWords(wish)}${view}`;
}

function whenWords(wish: Copy['wish']): string {
  switch (wish.kind) {
    case 'at':
      return `as it was at ${utcTime(wish.at)}`;
    case 'lsn':
      return `as it was at ${wish.lsn}`;
    case 'point':
      return `as it was when ${wish.id} was taken`;
    case 'newest':
      return 'with all the WAL there was';
    default:
      return wish satisfies never;
  }
}

function kindOf(value: string): 'at' | 'newest' | 'point' {
  return value === 'point' || value === 'newest' ? value : 'at';
}

interface Window {
  readonly from: string;
  readonly to: string;
}

/** Of ours, and of what was there before: both can be asked for. */
function wholeWindow({ others, window }: VaultReport): Window | null {
  if (others === null || window === null) return window ?? others;
  const [from = window.from] = [others.from, window.from].toSorted();
  return { from, to: window.to };
}

/** What counts does not reach so far back. */
function isByOthers(at: Date, { others, window }: VaultReport): boolean {
  return others !== null && (window === null || at.getTime() < Date.parse(window.from) - 999);
}

function secondsOf(iso: string): string {
  return iso.slice(0, 19);
}

function momentFault(at: Date, window: Window | null): string | null {
  if (window === null) return 'This vault brings nothing back.';
  if (Number.isNaN(at.getTime())) return 'A day and a time, to the second.';
  const ms = at.getTime();
  // The field knows no milliseconds.
  const isInside = ms >= Date.parse(window.from) - 999 && ms <= Date.parse(window.to);
  return isInside ? null : 'It lies outside of what this vault can bring back.';
}

function shareOf(at: Date, { from, to }: Window): number {
  const whole = Math.max(1, Date.parse(to) - Date.parse(from));
  const share = (at.getTime() - Date.parse(from)) / whole;
  return Number.isNaN(share) ? STEPS : Math.round(Math.min(1, Math.max(0, share)) * STEPS);
}

function momentIn({ from, to }: Window, step: number): string {
  const fromMs = Date.parse(from);
  const ms = fromMs + ((Date.parse(to) - fromMs) * step) / STEPS;
  // Up to the whole second, which lies inside of the window at its beginning.
  const rounded = Math.min(Math.ceil(ms / 1000) * 1000, Math.floor(Date.parse(to) / 1000) * 1000);
  return secondsOf(new Date(rounded).toISOString());
}
