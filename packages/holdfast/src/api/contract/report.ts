/** The reliability report of a period, counted from the trail alone. */
import { z } from 'zod';
import { RELIABILITY_REPORT } from '../../trail/report/report-shape.ts';
import { NAME, PROGRESS, streamRoute, WHEN } from './route.ts';

const PERIOD = {
  from: WHEN,
  /** Not in it any more: November is from 2026-11-01T00:00:00Z to 2026-12-01T00:00:00Z. */
  to: WHEN,
  target: NAME.optional(),
};

export const REPORT_ROUTES = {
  'report.file': streamRoute({
    path: '/v1/report',
    access: 'trail.export',
    summary: 'Download the reliability report of a period, to print or to count again',
    query: z.strictObject({ ...PERIOD, format: z.enum(['html', 'json']).default('html') }),
    answer: z.unknown(),
    stream: 'file',
    fileTypes: ['text/html', 'application/json'],
  }),
  'report.make': streamRoute({
    path: '/v1/report/events',
    access: 'trail.export',
    summary: 'Make the reliability report of a period, and tell how far it is',
    query: z.strictObject(PERIOD),
    answer: z.discriminatedUnion('kind', [
      PROGRESS,
      z.object({ kind: z.literal('report'), report: RELIABILITY_REPORT }),
    ]),
    stream: 'text/event-stream',
  }),
} as const;
