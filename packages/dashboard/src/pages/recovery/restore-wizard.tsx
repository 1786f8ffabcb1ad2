/**
 * The way back, step by step: when, and out of which vault or view of it -> it restores beside the live target -> what differs -> which tables or rows
 * -> a preview in numbers -> written back, or proposed for several people to sign -> discarded. Nothing of the
 * live target changes before the last step.
 */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { type Answer, ask } from '../../api/client.ts';
import { utcTime } from '../../lib/times.ts';
import { oneLine } from '../../lib/visible.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { Loaded } from '../../ui/loading.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';
import { useAttempt } from '../../ui/use-attempt.ts';
import { restoreQuery, restoresQuery } from './queries.ts';
import { DiffStep } from './restore-diff.tsx';
import { WhenStep } from './restore-when.tsx';
import { PASSED_OVER, progressWords, shortSpan } from './words.ts';

type Shown = Answer<'recovery.show'>;
type Copy = Answer<'restores.show'>;
type Ready = Extract<Copy['standing'], { state: 'ready' }>;

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
                <ReadyFacts asOf={copy.asOf} ready={standing} />
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

function ReadyFacts({
  asOf,
  ready,
}: {
  readonly asOf: string | null;
  readonly ready: Ready;
}): ReactNode {
  const { goal, keptUntil, point, rtoMs, view } = ready;
  return (
    <>
      {asOf !== null && (
        <p className="rounded-lg bg-sunken p-3 text-[0.93rem]">
          It is of the vault as it was at {utcTime(asOf)}: {PASSED_OVER}{' '}
          {view !== null && <Text text={view} className="text-muted" />}
        </p>
      )}
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
        {sealWords(point.isSealed)}It goes <Time at={keptUntil} relative />, unless somebody uses
        it.
      </p>
    </>
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
