/**
 * The part of Railway's API that the stand-in speaks: every mutation with its whole input, the
 * queries an inventory is made of, and what is written to logs. Names, types and nullability are Railway's (August 2026);
 * `schema.test.ts` holds them against Railway's own description where that is at hand.
 */
import type { Schema } from '../graphql/schema.ts';
import { readSchema } from '../graphql/sdl.ts';
import { INPUTS_DATA } from './inputs-data.ts';
import { INPUTS_PEOPLE } from './inputs-people.ts';
import { INPUTS_RUNNING } from './inputs-running.ts';
import { MUTATIONS_DATA } from './mutations-data.ts';
import { MUTATIONS_PEOPLE } from './mutations-people.ts';
import { MUTATIONS_RUNNING } from './mutations-running.ts';
import { QUERIES } from './queries.ts';
import { SCALARS } from './scalars.ts';
import { SUBSCRIPTIONS } from './subscriptions.ts';
import { TYPES_ANSWERED } from './types-answered.ts';
import { TYPES_KEPT } from './types-kept.ts';
import { TYPES_SHOWN } from './types-shown.ts';

export const RAILWAY: Schema = readSchema([
  SCALARS,
  QUERIES,
  SUBSCRIPTIONS,
  TYPES_KEPT,
  TYPES_SHOWN,
  TYPES_ANSWERED,
  MUTATIONS_DATA,
  MUTATIONS_RUNNING,
  MUTATIONS_PEOPLE,
  INPUTS_DATA,
  INPUTS_RUNNING,
  INPUTS_PEOPLE,
]);
