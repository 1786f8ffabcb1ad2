/** The reliability report of a period, saved as a file: to read and print, or with all figures to count again. */
import { type ReactNode, useState } from 'react';
import { download } from '../../api/download.ts';
import { STREAMS } from '../../api/routes.ts';
import { daysUpTo, faultOf, reportAsk } from '../../lib/report-period.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { Field, Select } from '../../ui/field.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { useAttempt } from '../../ui/use-attempt.ts';

export function ReportDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [days, setDays] = useState(() => daysUpTo(new Date()));
  const [target, setTarget] = useState('');
  const [format, setFormat] = useState<'html' | 'json'>('html');
  const [saved, setSaved] = useState<string | null>(null);
  const { busy, error, run } = useAttempt();
  const fault = faultOf(days);
  const save = async (): Promise<void> => {
    setSaved(null);
    const { file, query } = reportAsk(days, format, target.trim());
    await download(`${STREAMS.report}?${query}`, file);
    setSaved(file);
  };
  return (
    <Dialog title="Report for a period" onClose={onClose}>
      <p className="text-muted">
        How well what was promised was kept: what could have been lost, rehearsed restores, proofs,
        holds, undo, tokens, incidents. Every figure is counted from the trail, which is verified
        for it; a long one takes a while.
      </p>
      <form
        className="grid gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          if (fault === null) void run(save);
        }}
      >
        <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
          <Field
            label="First day (UTC)"
            type="date"
            required
            value={days.first}
            onChange={(event) => setDays({ ...days, first: event.target.value })}
          />
          <Field
            label="Last day (UTC)"
            type="date"
            required
            fault={fault}
            value={days.last}
            onChange={(event) => setDays({ ...days, last: event.target.value })}
          />
        </div>
        <Field
          label="Target"
          hint="Left empty: all of them."
          maxLength={200}
          value={target}
          onChange={(event) => setTarget(event.target.value)}
        />
        <Select
          label="As"
          value={format}
          onChange={(event) => setFormat(event.target.value === 'json' ? 'json' : 'html')}
        >
          <option value="html">a page, to read and to print</option>
          <option value="json">all figures as JSON, to count again</option>
        </Select>
        {error !== null && <ProblemNote error={error} />}
        <p role="status" className="text-[0.9rem] text-ok">
          {saved === null ? '' : `Saved as ${saved}. Print it from the browser for a PDF.`}
        </p>
        <DialogButtons>
          <Button tone="quiet" onClick={onClose}>
            Close
          </Button>
          <Button type="submit" tone="primary" isBusy={busy}>
            Save the report
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}
