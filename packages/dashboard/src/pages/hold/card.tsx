/** What an approver can see in ten seconds: Holdfast's own facts first, the agent's words marked as such. */
import type { ReactNode } from 'react';
import type { HoldShown } from '../../api/hold-shown.ts';
import { byteWords, countWords, type Measured, measuredWords, plural } from '../../lib/measures.ts';
import {
  ENVIRONMENT_WORDS,
  effectSentence,
  LEVEL_WORDS,
  takingBackSentence,
} from '../../lib/plain-words.ts';
import { Badge, EnvironmentBadge } from '../../ui/badge.tsx';
import { Code } from '../../ui/code.tsx';
import { Fact, Facts, Panel } from '../../ui/page.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';

export function Statement({ hold }: { readonly hold: HoldShown }): ReactNode {
  const more = hold.effectsTotal - hold.effects.length;
  return (
    <Panel title="What it would do">
      <Code text={hold.statement} label="The statement, as it was sent" />
      {hold.couldNotTell !== null && (
        <p className="font-medium text-danger">
          <span aria-hidden="true">▲ </span>
          Holdfast could not read all of it: <Text text={hold.couldNotTell} />
        </p>
      )}
      <ul className="grid gap-1.5">
        {hold.effects.map((effect, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: effects of one act have no other name
          <li key={index} className="grid gap-0.5">
            <span className="flex flex-wrap items-baseline gap-x-2">
              <Badge tone={KIND_TONES[effect.kind] ?? 'danger'}>{effect.kind}</Badge>
              <Text text={effectSentence(effect)} />
            </span>
            {effect.why !== null && (
              <Text className="pl-1 text-[0.9rem] text-muted" text={effect.why} />
            )}
          </li>
        ))}
        {more > 0 && <li className="text-muted">and {plural(more, 'more effect')}</li>}
      </ul>
    </Panel>
  );
}

const KIND_TONES: Readonly<Record<string, 'danger' | 'warn' | 'ok'>> = {
  read: 'ok',
  write: 'warn',
  destroy: 'danger',
  reshape: 'warn',
  grant: 'danger',
  execute: 'warn',
  unknown: 'danger',
};

export function Reach({ hold }: { readonly hold: HoldShown }): ReactNode {
  const { facts } = hold;
  if (facts === null) {
    return (
      <Panel title="How far it reaches">
        <p className="text-muted">Nobody could look this up at the target. Count on all of it.</p>
      </Panel>
    );
  }
  const size = sizeOf(facts.objects, facts.objectsTotal);
  return (
    <Panel
      title="How far it reaches"
      aside={
        <span className="text-[0.82rem] text-muted">
          looked up by Holdfast <Time at={facts.lookedUpAt} relative />
        </span>
      }
    >
      <div className="flex flex-wrap gap-x-10 gap-y-3">
        <Figure name="rows">
          {facts.rows === null ? 'unknown' : measuredWords(facts.rows, countWords)}
          {facts.rows !== null && <How how={facts.rows.how} />}
        </Figure>
        {size !== null && (
          <Figure name={size.name}>
            {measuredWords(size.bytes, byteWords)}
            <How how={size.bytes.how} />
          </Figure>
        )}
        <Figure name="depends on it">{countWords(facts.dependentsTotal)}</Figure>
      </div>
      {facts.objects.length > 0 && (
        <div className="relative overflow-x-auto">
          <table className="w-full text-left text-[0.9rem]">
            <thead className="text-[0.82rem] text-muted">
              <tr>
                <th className="py-1 pr-3 font-medium">touches</th>
                <th className="py-1 pr-3 text-right font-medium">rows</th>
                <th className="py-1 text-right font-medium">size</th>
              </tr>
            </thead>
            <tbody>
              {facts.objects.map(({ name, type, rows, bytes }) => (
                <tr key={`${type} ${name}`} className="border-t border-line">
                  <th scope="row" className="py-1 pr-3 font-normal">
                    <Text text={name} className="font-mono" />{' '}
                    <span className="text-muted">{type}</span>
                  </th>
                  <td className="py-1 pr-3 text-right whitespace-nowrap tabular-nums">
                    {rows === null ? '–' : measuredWords(rows, countWords)}
                  </td>
                  <td className="py-1 text-right whitespace-nowrap tabular-nums">
                    {bytes === null ? '–' : measuredWords(bytes, byteWords)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          <More total={facts.objectsTotal} shown={facts.objects.length} />
        </div>
      )}
      {facts.dependents.length > 0 && (
        <div>
          <h3 className="mb-1">And because of it</h3>
          <ul className="grid gap-1 text-[0.93rem]">
            {facts.dependents.map(({ name, type, what }) => (
              <li key={`${type} ${name}`} className="flex flex-wrap items-baseline gap-x-2">
                <Badge tone={what === 'goes' ? 'danger' : 'warn'}>{WHAT_WORDS[what]}</Badge>
                <Text text={name} className="font-mono" />
                <span className="text-muted">{type}</span>
              </li>
            ))}
          </ul>
          <More total={facts.dependentsTotal} shown={facts.dependents.length} />
        </div>
      )}
      {facts.notTold.length > 0 && (
        <div className="text-[0.9rem]">
          <h3>What could not be told</h3>
          <ul className="list-disc pl-5 text-muted">
            {facts.notTold.map((words) => (
              <li key={words}>
                <Text text={words} />
              </li>
            ))}
          </ul>
        </div>
      )}
      {hold.rowsAtMost !== null && (
        <p className="text-[0.87rem] text-muted">
          An approval is void if it would change more than {plural(hold.rowsAtMost, 'row')} when it
          runs.
        </p>
      )}
    </Panel>
  );
}

type Objects = NonNullable<HoldShown['facts']>['objects'];

/** All of it together where one sort of thing is touched; else the largest, since the rest may lie in it. */
function sizeOf(
  objects: Objects,
  total: number,
): { readonly name: string; readonly bytes: Measured } | null {
  const sizes = objects.flatMap(({ bytes }) => (bytes === null ? [] : [bytes]));
  const [first] = sizes;
  if (first === undefined) return null;
  const isOneSort = new Set(objects.map(({ type }) => type)).size === 1;
  if (!isOneSort) {
    const largest = sizes.reduce((most, one) => (one.value > most.value ? one : most), first);
    return { name: 'size of the largest', bytes: largest };
  }
  const isWhole = sizes.length === total;
  const isExact = sizes.every(({ how }) => how === 'exact');
  const value = sizes.reduce((sum, one) => sum + one.value, 0);
  return {
    name: isWhole ? 'size' : 'size, at least',
    bytes: { value, how: isExact ? 'exact' : 'estimate' },
  };
}

const WHAT_WORDS = {
  goes: 'is destroyed too',
  rows: 'rows change or go',
  breaks: 'stays, and fails',
  stops: 'stops running',
} as const;

function Figure({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <div>
      <p className="text-[0.82rem] text-muted">{name}</p>
      <p className="flex items-baseline gap-1.5 text-xl font-semibold tabular-nums">{children}</p>
    </div>
  );
}

function How({ how }: { readonly how: 'exact' | 'estimate' }): ReactNode {
  return (
    <span
      className={`text-[0.78rem] font-medium ${how === 'exact' ? 'text-ok' : 'text-warn'}`}
      title={how === 'exact' ? 'counted' : 'what the server’s statistics say'}
    >
      {how}
    </span>
  );
}

function More({ total, shown }: { readonly total: number; readonly shown: number }): ReactNode {
  return total > shown ? (
    <p className="pt-1 text-[0.87rem] text-muted">and {countWords(total - shown)} more</p>
  ) : null;
}

export function TakingBack({ hold }: { readonly hold: HoldShown }): ReactNode {
  const { takingBack } = hold;
  const lost = hold.facts?.recoveryLost ?? [];
  const isForGood = takingBack === null || takingBack.reversal === 'none';
  return (
    <Panel
      title="Can it be taken back?"
      aside={
        <Badge tone={isForGood ? 'danger' : takingBack.reversal === 'defer' ? 'warn' : 'ok'}>
          {isForGood ? 'no' : takingBack.reversal === 'defer' ? 'not once it ran' : 'yes'}
        </Badge>
      }
      className={isForGood ? 'border-danger' : ''}
    >
      <p className={isForGood ? 'font-medium text-danger' : ''}>
        <Text text={takingBackSentence(takingBack)} />
      </p>
      {takingBack !== null && (
        <p className="text-[0.87rem] text-muted">
          Protection of the target: {takingBack.level}; {LEVEL_WORDS[takingBack.level] ?? ''}.
        </p>
      )}
      {lost.length > 0 && (
        <div className="rounded-lg bg-danger-soft p-3">
          <h3 className="text-danger">
            <span aria-hidden="true">▲ </span>Recovery paths that die with it
          </h3>
          <ul className="mt-1 list-disc pl-5">
            {lost.map((words) => (
              <li key={words}>
                <Text text={words} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </Panel>
  );
}

export function Where({ hold }: { readonly hold: HoldShown }): ReactNode {
  return (
    <Panel title="Where, and why it is held">
      <Facts>
        <Fact name="target">
          <Text text={hold.target} className="font-mono font-medium" />
        </Fact>
        <Fact name="environment">
          <EnvironmentBadge name={hold.environment} level={hold.level} />{' '}
          <span className="text-[0.9rem] text-muted">{ENVIRONMENT_WORDS[hold.level] ?? ''}</span>
        </Fact>
        <Fact name="how it was resolved">
          <Text text={hold.resolvedBy} />
        </Fact>
        <Fact name="held because">
          <Text text={hold.reason} />
        </Fact>
        <Fact name="rule">
          <Text text={hold.rule} className="font-mono text-[0.9rem]" />
          {hold.policyVersion !== null && (
            <>
              {' '}
              <span className="text-[0.9rem] text-muted">of policy </span>
              <Text text={hold.policyVersion.slice(0, 16)} className="font-mono text-[0.9rem]" />
            </>
          )}
        </Fact>
      </Facts>
    </Panel>
  );
}

export function Asker({ hold }: { readonly hold: HoldShown }): ReactNode {
  return (
    <Panel title="Who asks">
      <Facts>
        <Fact name="agent">
          <Text text={hold.agent} className="font-medium" />
        </Fact>
        <Fact name="answers for it">
          {hold.owner === null ? (
            <span className="text-muted">nobody is named</span>
          ) : (
            <Text text={hold.owner} />
          )}
        </Fact>
        <Fact name="from">
          <Text text={hold.source} className="font-mono text-[0.9rem]" />
        </Fact>
        <Fact name="client">
          <span className="text-muted">calls itself </span>
          <Text text={hold.client === '' ? '(nothing)' : hold.client} />
        </Fact>
        <Fact name="asked">
          <Time at={hold.openedAt} />
        </Fact>
      </Facts>
      <figure className="rounded-lg border border-dashed border-line-strong p-3">
        <figcaption className="mb-1 text-[0.82rem] font-medium text-warn">
          <span aria-hidden="true">❝ </span>In the agent’s own words. Holdfast did not check them.
        </figcaption>
        <blockquote className="text-[0.93rem]">
          {hold.task === null || hold.task === '' ? (
            <span className="text-muted">The agent did not say what it is working on.</span>
          ) : (
            <Text text={hold.task} />
          )}
        </blockquote>
      </figure>
    </Panel>
  );
}

export function Signatures({ hold }: { readonly hold: HoldShown }): ReactNode {
  const { signatures, peopleNeeded } = hold;
  return (
    <Panel
      title="Signatures"
      aside={
        <span className="font-semibold tabular-nums">
          {signatures.length} of {peopleNeeded}
        </span>
      }
    >
      {signatures.length === 0 ? (
        <p className="text-muted">
          Nobody signed yet.{' '}
          {peopleNeeded > 1 ? `${peopleNeeded} different people have to.` : 'One person has to.'}
        </p>
      ) : (
        <ul className="grid gap-2">
          {signatures.map((signature) => (
            <li key={signature.person} className="grid gap-0.5">
              <span className="flex flex-wrap items-baseline gap-x-2">
                <span className="text-ok" aria-hidden="true">
                  ✓
                </span>
                <Text text={signature.person} className="font-medium" />
                <span className="text-[0.87rem] text-muted">
                  by {METHOD_WORDS[signature.method] ?? signature.method},{' '}
                  <Time at={signature.at} relative />
                </span>
              </span>
              {signature.comment !== '' && (
                <Text className="pl-5 text-[0.93rem]" text={`“${signature.comment}”`} />
              )}
            </li>
          ))}
        </ul>
      )}
      {hold.decidedBy !== null && (
        <p className="border-t border-line pt-2">
          {hold.state === 'denied' ? 'Denied by ' : 'Ended by '}
          <Text text={hold.decidedBy} className="font-medium" />
          {hold.decidedAt !== null && (
            <>
              , <Time at={hold.decidedAt} relative />
            </>
          )}
        </p>
      )}
      {hold.note !== null && hold.note !== '' && (
        <Text className="text-[0.93rem]" text={`“${hold.note}”`} />
      )}
      <p className="text-[0.87rem]">
        <span className="text-muted">In words, to compare with who signs with you: </span>
        <span className="font-mono">{hold.digestWords}</span>
      </p>
      <details className="text-[0.87rem]">
        <summary className="text-muted">What exactly is signed</summary>
        <dl className="mt-2 grid gap-1">
          <dt className="text-muted">digest of the exact bytes and the resolved target</dt>
          <dd className="font-mono break-all">{hold.digest}</dd>
          {hold.approvalUntil !== null && (
            <>
              <dt className="text-muted">an approval is good until</dt>
              <dd>
                <Time at={hold.approvalUntil} />
              </dd>
            </>
          )}
        </dl>
      </details>
    </Panel>
  );
}

const METHOD_WORDS: Readonly<Record<string, string>> = {
  passkey: 'passkey',
  totp: 'one-time code',
};
