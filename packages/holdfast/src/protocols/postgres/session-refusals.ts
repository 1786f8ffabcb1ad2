/** What a session refuses by itself, before policy is asked: there is nothing that could be judged. */
import type { Refusal } from '../../pipeline/exchange.ts';

export const FUNCTION_CALL: Refusal = {
  code: 'HF_UNSUPPORTED',
  message: 'Holdfast refuses fastpath function calls: they carry no text that could be judged.',
  detail: 'Nothing was changed.',
  hint: 'Call the function by SQL (SELECT function(...)); large objects are not available.',
  position: null,
};

export const MID_CYCLE: Refusal = {
  code: 'HF_UNSUPPORTED',
  message: 'Holdfast cannot run this behind other statements that no Sync has ended.',
  detail:
    'It needs the rights of an owner, and on a protected target gets them statement by statement.',
  hint: 'End the statements before it with a Sync, then send it.',
  position: null,
};
