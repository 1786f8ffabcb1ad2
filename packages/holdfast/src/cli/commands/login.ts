/** Signing in to a gateway elsewhere: its own machine needs no session, whoever can open its store is it. */

import { hostname } from 'node:os';
import type { Command } from 'commander';
import { isSecret } from '../../identity/secrets.ts';
import { isTokenText } from '../../identity/token.ts';
import { HoldfastError } from '../../model/errors.ts';
import { PROVED_MS_MAX } from '../../model/limits.ts';
import { minutesWords } from '../../model/text.ts';
import { pause } from '../../programs/pause.ts';
import type { AnswerOf, ApiClient } from '../api/api-client.ts';
import { apiUrlOf, URL_ENV } from '../api/api-url.ts';
import { secretFor, TOKEN_ENV } from '../api/secret.ts';
import { SessionFile } from '../api/session-file.ts';
import { type Context, NO, type Run } from '../command.ts';
import { type Answer, facts, oneLine, when } from '../print.ts';
import { readCode } from '../read-code.ts';
import { usageError } from '../usage.ts';
import { withApiAt } from '../with-api.ts';

/** Whatever a server says: not so often that it hurts, and not so rarely that nobody comes back. */
const POLL_MS_MIN = 250;
const POLL_MS_MAX = 10_000;

export function addLogin(program: Command, run: Run): void {
  const login = program
    .command('login')
    .description('Sign in to the Holdfast at --url or HOLDFAST_URL, with a browser')
    .addHelpText(
      'after',
      '\nYou are shown a code, and where to type it; a person who is signed in there lets you in. The\n' +
        'session is kept for you alone, and runs out by itself. Scripts put one into HOLDFAST_TOKEN.',
    )
    .action(() => run(login, signIn));

  const logout = program
    .command('logout')
    .description('Sign out there, and forget the session here')
    .action(() => run(logout, signOut));

  const prove = program
    .command('prove')
    .description('Prove with a code that you are there, for what only somebody present may do')
    .option('--code <digits>', 'six digits; else asked for without showing it, or read from stdin')
    .addHelpText(
      'after',
      '\nA session does not show who sits before it now. People, roles and credentials want a proof that\n' +
        'is not older than ten minutes. Without one-time codes: do it on the dashboard, with your passkey.',
    )
    .action((options: { readonly code?: string }) =>
      run(prove, (context) => proveThere(context, options.code)),
    );

  const whoami = program
    .command('whoami')
    .description('Say who you are to the Holdfast that commands ask')
    .action(() => run(whoami, sayWho));
}

async function signIn(context: Context): Promise<Answer> {
  const { env, streams } = context;
  const url = elsewhere(context);
  const opened = await withApiAt(context, { url, secret: null }, async (api) => {
    const begun = await api.call('device.begin', { body: { machine: hostname().slice(0, 200) } });
    const until = when(new Date(begun.expiresAt));
    streams.err.write(
      `Open   ${oneLine(begun.verificationUrl)}\nType   ${oneLine(begun.userCode)}\n` +
        `It is good until ${until}. Waiting; Ctrl-C stops it.\n`,
    );
    return await letIn(api, begun, context);
  });
  const { expiresAt, person, session } = opened;
  if (!isSecret('hfs', session)) throw noSession(url);
  new SessionFile(env).keep(url, { secret: session, person, expiresAt });
  const isShadowed = (env[TOKEN_ENV] ?? '') !== '';
  return {
    json: { url: url.origin, person, expiresAt },
    lines: (paint) => [
      `Signed in at ${url.origin} as ${paint.bold(oneLine(person))}, until ${when(new Date(expiresAt))}.`,
      ...(isShadowed ? [`${TOKEN_ENV} is set, and goes before it: unset it.`] : []),
    ],
  };
}

type Begun = AnswerOf<'device.begin'>;
type Opened = Extract<AnswerOf<'device.poll'>, { readonly state: 'open' }>;

async function letIn(api: ApiClient, begun: Begun, { clock }: Context): Promise<Opened> {
  let { pollMs } = begun;
  const endsAt = clock.monotonicMs() + (Date.parse(begun.expiresAt) - clock.now().getTime());
  for (;;) {
    await pause(Math.min(POLL_MS_MAX, Math.max(POLL_MS_MIN, pollMs)));
    const answer = await api.call('device.poll', { body: { secret: begun.secret } });
    switch (answer.state) {
      case 'open':
        return answer;
      case 'denied':
        throw notLetIn('that somebody turned it away');
      case 'gone':
        throw notLetIn('that the code has run out, or was used');
      case 'waiting':
        // A server that forgets to end it does not keep us.
        if (clock.monotonicMs() > endsAt + POLL_MS_MAX) throw notLetIn('that nobody came');
        pollMs = answer.pollMs;
        break;
      default:
        return answer satisfies never;
    }
  }
}

async function signOut(context: Context): Promise<Answer> {
  const url = elsewhere(context);
  const file = new SessionFile(context.env);
  const kept = file.find(url);
  // Here first: whatever the server says, nobody finds it on this machine any more.
  file.forget(url);
  if (kept === null) {
    return {
      json: { url: url.origin, closed: false },
      lines: () => [`No session was kept for ${url.origin}.`],
    };
  }
  const closed = await withApiAt(context, { url, secret: kept.secret }, closeSession);
  return {
    json: { url: url.origin, closed },
    lines: () => [
      closed
        ? `Signed out at ${url.origin}.`
        : `Forgotten here; at ${url.origin} it had ended already.`,
    ],
  };
}

async function closeSession(api: ApiClient): Promise<boolean> {
  try {
    return (await api.call('session.close', {})).closed;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'HF_SIGN_IN') return false;
    throw error;
  }
}

async function proveThere(context: Context, given: string | undefined): Promise<Answer> {
  const { env, streams } = context;
  const url = elsewhere(context);
  const code = await readCode(given, streams.in, (text) => streams.err.write(text));
  const { provedAt } = await withApiAt(context, { url, secret: secretFor(url, env) }, (api) =>
    api.call('session.prove', { body: { code } }),
  );
  return {
    json: { url: url.origin, provedAt },
    lines: () => [`Proved at ${url.origin}; it counts for ${minutesWords(PROVED_MS_MAX)}.`],
  };
}

async function sayWho(context: Context): Promise<Answer> {
  const url = apiUrlOf(context.url, context.env);
  if (url === null) {
    return {
      json: { url: null, machine: true, person: null },
      lines: () => [
        'The machine itself, over the store that holdfast.yaml names.',
        'It decides nothing: the word of a person wants their code.',
      ],
    };
  }
  const secret = secretFor(url, context.env);
  const { may, person } = await withApiAt(context, { url, secret }, (api) =>
    api.call('session.show', {}),
  );
  const json = { url: url.origin, machine: false, person, may };
  if (person === null) {
    const isAgent = secret !== null && isTokenText(secret);
    return { json, exit: NO, lines: () => [isAgent ? agentWords(url) : nobodyWords(url)] };
  }
  return {
    json,
    lines: (paint) =>
      facts(
        [
          ['at', url.origin],
          ['as', paint.bold(oneLine(person.name))],
          ['roles', person.roles.join(', ')],
          ['proved', when(new Date(person.provedAt))],
          ['may', may.join('\n')],
        ],
        paint,
      ),
  };
}

function nobodyWords({ origin }: URL): string {
  return `Nobody is signed in at ${origin}: holdfast login --url ${origin}`;
}

function agentWords({ origin }: URL): string {
  return `${TOKEN_ENV} holds the token of an agent: ${origin} lets agents decide nothing.`;
}

function elsewhere({ env, url }: Context): URL {
  const found = apiUrlOf(url, env);
  if (found !== null) return found;
  throw usageError(
    `a Holdfast elsewhere, by --url or ${URL_ENV}`,
    'neither',
    'Beside the store itself no session is needed; see `holdfast whoami`.',
  );
}

function notLetIn(found: string): HoldfastError {
  return new HoldfastError('HF_SIGN_IN', {
    expected: 'a person to let this command line in',
    found,
    hint: 'Run `holdfast login` again, and type the code it shows.',
  });
}

function noSession({ origin }: URL): HoldfastError {
  return new HoldfastError('HF_API_ANSWER', {
    expected: `a session (hfs_...) of ${origin}`,
    found: 'something else',
    hint: 'See that HOLDFAST_URL is the address of a Holdfast.',
  });
}
