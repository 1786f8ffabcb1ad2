/**
 * What a wall has to close: the ways round a reader of SQL that only roles, privileges and configuration
 * can shut. Each step of a plan names one; the tests try each directly against a protected database.
 */
export const CLOSINGS = {
  'own-role': 'Agents log in as their own role, never as a superuser that can take it back',
  ownership: 'Agents own nothing, so nothing can be disabled, rewritten or dropped by them',
  'opaque-code': 'No code the reader cannot see: functions, DO blocks, temporary objects, schemas',
  truncate: 'No TRUNCATE, REFERENCES or TRIGGER for agents',
  network: 'Who may connect from where',
  server: 'No replication, no server files or programs, no settings of a superuser',
  'large-objects': 'No large objects, which no trigger sees',
  links: 'No way out of the database by dblink or foreign servers',
  'hidden-code': 'No rules, triggers, defaults, operators or casts of an agent’s making',
  capture: 'The old rows of whatever passes are kept',
  receipts: 'What needs an owner’s rights runs once, by a receipt',
  fence: 'What owners drop or rewrite without Holdfast is refused by event triggers',
  layout: 'What Holdfast writes down in the database',
} as const;

export type ClosingId = keyof typeof CLOSINGS;
export const CLOSING_IDS = Object.keys(CLOSINGS).filter((id): id is ClosingId => id in CLOSINGS);
