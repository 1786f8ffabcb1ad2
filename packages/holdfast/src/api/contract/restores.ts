/** Restores beside the live target: bring back, compare, write back, propose, discard. */
import { z } from 'zod';
import {
  COPY_SHAPE,
  PROMOTION_SHAPE,
  REPORT_SHAPE,
  VIEW_SHAPE,
  WISH_SHAPE,
  WRITE_BACK_SHAPE,
} from '../../recovery/restore/copy-shape.ts';
import { PROPOSAL } from './proposals.ts';
import { NAME, route } from './route.ts';
import { WORD_OR_PROOF } from './word.ts';

const OF_TARGET = z.strictObject({ target: NAME });
const ONE = z.strictObject({ target: NAME, id: z.string().min(1).max(64) });

/** As `WHEN`; whoever asks in another zone is told what is wanted. */
const AS_OF = z.iso.datetime({ error: 'not a time in UTC, such as 2026-11-28T12:00:00Z' });

export const RESTORE_ROUTES = {
  'restores.view': route({
    method: 'GET',
    path: '/v1/recovery/:target/view',
    access: 'undo.apply',
    summary: 'Say what lay in a vault as it was at a time that is over; nothing is restored',
    params: OF_TARGET,
    /** `vault` left out: the first of the target's. */
    query: z.strictObject({ vault: NAME.optional(), asOf: AS_OF }),
    answer: VIEW_SHAPE,
  }),
  'restores.begin': route({
    method: 'POST',
    path: '/v1/recovery/:target/restores',
    access: 'undo.apply',
    summary: 'Restore beside the live target, to compare and write back from; it goes on by itself',
    params: OF_TARGET,
    /** `vault` left out: the first of the target's. `asOf`: that vault as it was then, whatever came since. */
    body: z.strictObject({
      vault: NAME.optional(),
      wish: WISH_SHAPE,
      asOf: AS_OF.nullable().default(null),
    }),
    answer: COPY_SHAPE,
  }),
  'restores.list': route({
    method: 'GET',
    path: '/v1/recovery/:target/restores',
    access: 'undo.read',
    summary: 'List restores of a target, newest first; of those that are over, the last',
    params: OF_TARGET,
    answer: z.object({ items: z.array(COPY_SHAPE) }),
  }),
  'restores.show': route({
    method: 'GET',
    path: '/v1/recovery/:target/restores/:id',
    access: 'undo.read',
    summary: 'Say how far one restore is, and what differs once that was asked for',
    params: ONE,
    answer: COPY_SHAPE,
  }),
  'restores.diff': route({
    method: 'POST',
    path: '/v1/recovery/:target/restores/:id/diff',
    access: 'undo.apply',
    summary: 'Compare it with the live target; the result comes with the restore itself',
    params: ONE,
    answer: COPY_SHAPE,
  }),
  'restores.preview': route({
    method: 'POST',
    path: '/v1/recovery/:target/restores/:id/preview',
    access: 'undo.apply',
    summary: 'Say what writing back would do, and what would refuse it; nothing is changed',
    params: ONE,
    body: z.strictObject(WRITE_BACK_SHAPE),
    answer: REPORT_SHAPE,
  }),
  'restores.write-back': route({
    method: 'POST',
    path: '/v1/recovery/:target/restores/:id/write-back',
    access: 'undo.apply',
    summary: 'Write rows back into the live target, as an undo item, in one transaction',
    params: ONE,
    /** Whole tables only put rows in again here; to set back or delete, name keys or propose a promotion. */
    body: z.strictObject({ ...WRITE_BACK_SHAPE, ...WORD_OR_PROOF }),
    answer: REPORT_SHAPE,
  }),
  'restores.promotion': route({
    method: 'POST',
    path: '/v1/recovery/:target/restores/:id/promotion',
    access: 'proposals.open',
    summary: 'Propose that whole tables become what they were; several people have to sign',
    params: ONE,
    body: z.strictObject(PROMOTION_SHAPE),
    answer: PROPOSAL,
  }),
  'restores.discard': route({
    method: 'DELETE',
    path: '/v1/recovery/:target/restores/:id',
    access: 'undo.apply',
    summary: 'Discard a restored copy, or break off its restore',
    params: ONE,
    answer: COPY_SHAPE,
  }),
} as const;
