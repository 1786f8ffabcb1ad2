/** The providers there are: one line each. */
import { FlyProvider } from './fly/provider.ts';
import { NeonProvider } from './neon/provider.ts';
import type { Provider, ProviderOptions } from './provider.ts';
import { RailwayProvider } from './railway/provider.ts';
import { SupabaseProvider } from './supabase/provider.ts';

type ProviderClass = new (options: ProviderOptions) => Provider;

export const PROVIDERS: ReadonlyMap<string, ProviderClass> = new Map<string, ProviderClass>([
  ['railway', RailwayProvider],
  ['neon', NeonProvider],
  ['supabase', SupabaseProvider],
  ['fly', FlyProvider],
]);
