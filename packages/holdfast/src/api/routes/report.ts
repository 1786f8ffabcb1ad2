import type { z } from 'zod';
import type { Clock } from '../../model/clock.ts';
import { pageBody, pageHead } from '../../trail/report/html/page.ts';
import {
  checkPeriod,
  makeReport,
  type ReportQuestion,
} from '../../trail/report/reliability-report.ts';
import type { Signer } from '../../trail/signer.ts';
import type { TrailStore } from '../../trail/trail-store.ts';
import type { REPORT_ROUTES } from '../contract/report.ts';
import type { Handlers, StreamEvent } from '../handler.ts';
import { withProgress } from '../progress.ts';

export interface ReportRouteParts {
  readonly store: TrailStore;
  readonly signer: Signer;
  readonly clock: Clock;
}

type Making = z.input<(typeof REPORT_ROUTES)['report.make']['answer']>;

export function reportRoutes(parts: ReportRouteParts): Handlers<typeof REPORT_ROUTES> {
  return {
    'report.file': async ({ gone, query }) => {
      const { format, ...rest } = query;
      const question = questionOf(rest);
      checkPeriod(question);
      const days = [question.from, question.to].map((at) => at.toISOString().slice(0, 10));
      return {
        type: format === 'html' ? 'text/html' : 'application/json',
        name: `holdfast-report-${days.join('-')}.${format}`,
        pieces: piecesOf(parts, question, format, gone),
      };
    },
    'report.make': async ({ gone, query }) => {
      const question = questionOf(query);
      checkPeriod(question);
      return making(parts, question, gone);
    },
  };
}

/** Something is sent at once: whoever waits behind a proxy is not cut off while the trail is read. */
async function* piecesOf(
  parts: ReportRouteParts,
  question: ReportQuestion,
  format: 'html' | 'json',
  gone: AbortSignal,
): AsyncGenerator<string> {
  yield format === 'html' ? pageHead() : '\n';
  // Whoever is gone needs none; and where it is we who go, half a page must not look like one.
  const report = await reportOf(parts, question, () => gone.throwIfAborted());
  yield format === 'html' ? pageBody(report) : `${JSON.stringify(report)}\n`;
}

async function* making(
  parts: ReportRouteParts,
  question: ReportQuestion,
  gone: AbortSignal,
): AsyncGenerator<StreamEvent<Making>> {
  const work = withProgress(parts.clock, gone, (tell) => reportOf(parts, question, tell));
  for await (const said of work) {
    const data: Making = said.kind === 'progress' ? said : { kind: 'report', report: said.value };
    yield { id: null, data };
  }
}

function reportOf(
  { clock, signer, store }: ReportRouteParts,
  question: ReportQuestion,
  tell: (done: number, total: number) => void,
) {
  const { origin, verifierKey: key } = signer;
  return makeReport({ store, key, origin, clock }, question, tell);
}

function questionOf({
  from,
  target,
  to,
}: {
  readonly from: string;
  readonly to: string;
  readonly target?: string | undefined;
}): ReportQuestion {
  return { from: new Date(from), to: new Date(to), target: target ?? null };
}
