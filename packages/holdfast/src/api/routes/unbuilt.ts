/** For routes whose contract stands before they do; goes with the last of them. */
import { HoldfastError } from '../../model/errors.ts';
import type { Route } from '../contract/route.ts';
import type { Handlers } from '../handler.ts';

export function unbuilt<Some extends Record<string, Route>>(routes: Some): Handlers<Some> {
  const refuse = async () => {
    throw new HoldfastError('HF_UNSUPPORTED', {
      expected: 'a route that is built',
      found: 'one of which only the contract stands',
      hint: 'Wait for the next version.',
    });
  };
  return Object.fromEntries(
    Object.keys(routes).map((name) => [name, refuse]),
  ) as unknown as Handlers<Some>;
}
