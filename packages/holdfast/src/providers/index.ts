/** The providers there are: one line each. */
import { FlyProvider } from './fly/provider.ts';
import { NeonProvider } from './neon/provider.ts';
import { OpenapiProvider } from './openapi/provider.ts';
import type { Provider, ProviderOptions } from './provider.ts';
import { RailwayProvider } from './railway/provider.ts';
import { SupabaseProvider } from './supabase/provider.ts';

export type ProviderClass = new (options: ProviderOptions) => Provider;

/** Stands for every API that only a file describes. */
export const DESCRIBED = 'openapi';

export const PROVIDERS: ReadonlyMap<string, ProviderClass> = new Map<string, ProviderClass>([
  ['railway', RailwayProvider],
  ['neon', NeonProvider],
  ['supabase', SupabaseProvider],
  ['fly', FlyProvider],
  [DESCRIBED, OpenapiProvider],
]);
