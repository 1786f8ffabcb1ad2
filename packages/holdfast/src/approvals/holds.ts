/** What people do with what agents ask: see `peoples-desk.ts`. */
import type { HoldCard } from './hold.ts';
import { type DeskWords, PeoplesDesk, type PeoplesDeskParts } from './peoples-desk.ts';

export const HOLD_WORDS: DeskWords<HoldCard> = {
  noun: 'hold',
  unknown: 'HF_HOLD_UNKNOWN',
  notOpen: 'HF_HOLD_STATE',
  signed: 'hold-signed',
  denied: 'hold-denied',
  expired: 'hold-expired',
  factsOf: ({ agentName, target }) => ({ agent: agentName, target }),
  afterDenial: 'A denial stands for ever; a different statement opens a different hold.',
  afterEnd: 'When the agent tries again, a new hold opens.',
};

export class Holds extends PeoplesDesk<HoldCard> {
  constructor(parts: PeoplesDeskParts<HoldCard>) {
    super(parts, HOLD_WORDS);
  }
}
