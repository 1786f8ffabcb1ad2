/** The gateway holds every entry against the signed checkpoints, and says how far it is. */
import { type ReactNode, useEffect, useState } from 'react';
import { EventReader, readStream, type ServerEvent } from '../../api/event-stream.ts';
import { STREAMS } from '../../api/routes.ts';
import { countWords, plural } from '../../lib/measures.ts';
import { spanWords } from '../../lib/times.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { Fact, Facts } from '../../ui/page.tsx';
import { Text } from '../../ui/text.tsx';
import { type Checked, checkedOf } from './verification.ts';

export function VerifyDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [checked, setChecked] = useState<Checked>({ kind: 'begun' });
  useEffect(() => {
    const leave = new AbortController();
    const over = (): void => {
      if (leave.signal.aborted) return;
      setChecked((before) => (before.kind === 'report' ? before : { kind: 'broken' }));
    };
    const came = ({ data, type }: ServerEvent): void => {
      const next = type === 'message' ? checkedOf(data) : null;
      if (next !== null) setChecked(next);
      if (type === 'problem' || type === 'signed-out') setChecked({ kind: 'broken' });
    };
    // A stream that ends before its report has no result, however it ends.
    readStream(STREAMS.verify, new EventReader(), { came }, leave.signal).then(over, over);
    return () => leave.abort();
  }, []);
  return (
    <Dialog title="Verify the trail" onClose={onClose} wide>
      <div aria-live="polite">
        <CheckedView checked={checked} />
      </div>
      <p className="text-[0.9rem] text-muted">
        This is the gateway checking itself. To check it without trusting it: export the trail, and
        run <code className="font-mono">holdfast-verify</code> on a machine of your own.
      </p>
      <DialogButtons>
        <Button onClick={onClose}>Close</Button>
      </DialogButtons>
    </Dialog>
  );
}

function CheckedView({ checked }: { readonly checked: Checked }): ReactNode {
  switch (checked.kind) {
    case 'begun':
      return <p className="text-muted">Beginning …</p>;
    case 'broken':
      return (
        <p role="alert" className="text-danger">
          ▲ The check broke off before it had a result, so it says nothing. Try again.
        </p>
      );
    case 'progress':
      return (
        <div className="grid gap-1">
          <progress
            aria-label="Entries checked"
            max={checked.total}
            value={checked.done}
            className="h-2 w-full accent-accent"
          />
          <p className="text-[0.9rem] tabular-nums">
            {countWords(checked.done)} of {countWords(checked.total)},{' '}
            {countWords(Math.round(checked.perSecond))} a second
            {checked.leftSeconds === null ? '' : `, ${spanWords(checked.leftSeconds * 1000)} left`}
          </p>
        </div>
      );
    case 'report': {
      const { report } = checked;
      return (
        <div className="grid gap-3">
          <p className={`text-lg font-semibold ${report.ok ? 'text-ok' : 'text-danger'}`}>
            {report.ok
              ? '✓ Every entry is as it was signed.'
              : `▲ ${plural(report.findingCount, 'finding')}: the trail is not whole.`}
          </p>
          <Facts>
            <Fact name="entries">
              {countWords(report.from)} to {countWords(report.to)}
            </Fact>
            <Fact name="checkpoints">{countWords(report.checkpoints)}</Fact>
            <Fact name="decisions">{countWords(report.decisions)}</Fact>
            <Fact name="outcomes">
              {countWords(report.outcomes)}, {countWords(report.open)} still open
            </Fact>
            <Fact name="root">
              <span className="font-mono text-[0.85rem] break-all">{report.root}</span>
            </Fact>
          </Facts>
          <ul className="list-disc pl-5 text-danger">
            {report.findings.map((finding) => (
              <li key={`${finding.code} ${finding.index}`}>
                <Text
                  text={`${finding.index === null ? '' : `entry ${finding.index}: `}${finding.message}`}
                />
              </li>
            ))}
          </ul>
        </div>
      );
    }
    default:
      return checked satisfies never;
  }
}
