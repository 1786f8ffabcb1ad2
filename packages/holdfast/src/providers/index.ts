/** The providers there are: one line each. */
import type { Provider, ProviderOptions } from './provider.ts';
import { RailwayProvider } from './railway/provider.ts';

export const PROVIDERS: ReadonlyMap<string, new (options: ProviderOptions) => Provider> = new Map([
  ['railway', RailwayProvider],
]);
