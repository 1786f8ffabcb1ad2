/** The pages there are, in the order in which they are shown, and the key that goes there after `g`. */

export interface Place {
  readonly to: string;
  readonly name: string;
  readonly key: string;
  /** One line, for the palette. */
  readonly words: string;
}

export const PLACES_SHOWN: readonly Place[] = [
  { to: '/', name: 'Now', key: 'n', words: 'what waits, who works, what can be taken back' },
  { to: '/holds', name: 'Holds', key: 'h', words: 'what agents asked and people decide' },
  { to: '/undo', name: 'Undo', key: 'u', words: 'what passed and can still be taken back' },
  { to: '/trail', name: 'Trail', key: 't', words: 'what was asked, decided, and what came of it' },
  {
    to: '/targets',
    name: 'Targets',
    key: 'r',
    words: 'environments, resources, what depends on them',
  },
  {
    to: '/recovery',
    name: 'Recovery',
    key: 'v',
    words: 'what could be brought back: points, drills, proofs, restore',
  },
  { to: '/agents', name: 'Agents', key: 'a', words: 'who works here, with which tokens' },
  { to: '/people', name: 'People', key: 'p', words: 'who decides, and what each may do' },
  { to: '/policy', name: 'Policy', key: 'y', words: 'the rules; try a request, backtest a change' },
  { to: '/account', name: 'My account', key: 'c', words: 'your passkeys, codes and sessions' },
];
