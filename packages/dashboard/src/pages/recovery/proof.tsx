/** The proof of the blast radius: who tried to destroy what lies in each vault, and what they were answered. */
import type { ReactNode } from 'react';
import { Badge } from '../../ui/badge.tsx';
import { Panel } from '../../ui/page.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';
import { OUTCOMES, PROVED, type Report, TONES, type VaultReport } from './words.ts';

export function Proof({ report }: { readonly report: Report }): ReactNode {
  return (
    <Panel title="Who could destroy it">
      {report.vaults.map((vault) => (
        <VaultProof key={vault.name} vault={vault} />
      ))}
      {report.snapshots.length > 0 && (
        <p className="text-[0.9rem] text-muted">
          Not counted, because they share the fate of the target:{' '}
          <Text text={report.snapshots.join(', ')} />.
        </p>
      )}
    </Panel>
  );
}

function VaultProof({ vault }: { readonly vault: VaultReport }): ReactNode {
  const { colour, doesNotProtectFrom, hints, name, proof, protectsFrom, tried, troubles } = vault;
  return (
    <section aria-label={`proof of ${name}`} className="grid gap-2">
      <h3 className="flex flex-wrap items-center gap-2">
        <Text text={name} className="font-mono" />
        <Badge tone={TONES[colour]}>vault: {colour}</Badge>
        {proof === null ? (
          <Badge tone="warn">never tried</Badge>
        ) : (
          <Badge tone={PROVED[proof.verdict]?.tone ?? 'warn'}>{proof.verdict}</Badge>
        )}
      </h3>
      {proof !== null && (
        <p>
          What lies there {PROVED[proof.verdict]?.words}: <Text text={proof.why} />{' '}
          <span className="text-muted">
            (<Time at={proof.at} relative />)
          </span>
        </p>
      )}
      {proof?.control && (
        <p>
          <Badge tone={PROVED[proof.control.verdict]?.tone ?? 'warn'}>
            lock: {proof.control.verdict}
          </Badge>{' '}
          <Text text={proof.control.why} />
        </p>
      )}
      {tried.map((one) => (
        <details key={`${one.kind} ${one.name}`} className="rounded-lg border border-line p-2">
          <summary className="cursor-pointer">
            <Badge tone={PROVED[one.verdict]?.tone ?? 'warn'}>{one.verdict}</Badge>{' '}
            <Text text={one.name} className="font-medium" />{' '}
            <span className="text-[0.87rem] text-muted">
              (<Text text={one.kind} />)
            </span>
          </summary>
          <p className="mt-2 text-[0.93rem]">
            <Text text={one.why} />
          </p>
          {one.acts.length > 0 && (
            <ul className="mt-2 grid gap-1 text-[0.9rem]">
              {one.acts.map(({ answer, outcome, words }, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: one act may be tried twice
                <li key={at} className="flex flex-wrap items-baseline gap-2">
                  <Badge tone={OUTCOMES[outcome] ?? 'warn'}>{outcome}</Badge>
                  <Text text={words} />
                  <Text text={answer} className="text-muted" />
                </li>
              ))}
            </ul>
          )}
        </details>
      ))}
      <Sentences title="Protects from" sentences={protectsFrom} />
      <Sentences title="Does not protect from" sentences={doesNotProtectFrom} />
      <Sentences title="Trouble" sentences={troubles} />
      <Sentences title="What lay there before" sentences={hints} />
    </section>
  );
}

function Sentences({
  sentences,
  title,
}: {
  readonly sentences: readonly string[];
  readonly title: string;
}): ReactNode {
  if (sentences.length === 0) return null;
  return (
    <div className="text-[0.9rem]">
      <p className="font-medium">{title}</p>
      <ul className="list-disc pl-5 text-muted">
        {[...new Set(sentences)].map((sentence) => (
          <li key={sentence}>
            <Text text={sentence} />
          </li>
        ))}
      </ul>
    </div>
  );
}
