/** Who the command line is to a gateway elsewhere: HOLDFAST_TOKEN, else the session that `login` kept. */
import type { Streams } from '../print.ts';
import { usageError } from '../usage.ts';
import { SessionFile } from './session-file.ts';

export const TOKEN_ENV = 'HOLDFAST_TOKEN';

/** Null: nobody yet. What is in it is for the gateway to judge; here only that it is one word. */
export function secretFor(url: URL, env: Streams['env']): string | null {
  const given = env[TOKEN_ENV]?.trim() ?? '';
  if (given === '') return new SessionFile(env).find(url)?.secret ?? null;
  if (/^[a-z0-9_]{1,100}$/i.test(given)) return given;
  throw usageError(
    `a session (hfs_...) in ${TOKEN_ENV}`,
    `${given.length} characters that are none`,
    'Unset it and run `holdfast login`, or put the session of a person there.',
  );
}
