/**
 * Which settings may come in with a connection. Order: names the protocol itself knows (user,
 * database, options, replication, `_pq_.`), then `options` is taken apart, then each setting is
 * judged; what remains is passed upstream one by one, so that the server gets exactly the settings
 * that were judged here and never a string it might split differently.
 *
 * Refused is what would let the server read SQL otherwise than our reader does, act as somebody else,
 * or load code. Settings we do not know are passed on: the server judges those. Lexing settings are
 * pinned for the whole session in any case (facts: a database default can switch them too).
 */
import { STARTUP_PARAMETERS_MAX } from '../../model/limits.ts';
import { settingName } from '../../model/session-settings.ts';
import type { StartupParameter } from './startup.ts';

export interface StartupWish {
  readonly kind: 'fine';
  readonly user: string;
  /** The `database` parameter; the user name when left out, as PostgreSQL does. */
  readonly database: string;
  /** To be sent upstream as they are; without user and database, with the pinned ones. */
  readonly parameters: readonly StartupParameter[];
  /** `_pq_.` names we do not know, for NegotiateProtocolVersion. */
  readonly unrecognized: readonly string[];
  readonly applicationName: string;
  /** Null when the agent left it to the server. */
  readonly searchPath: string | null;
}

export interface StartupRefusal {
  readonly kind: 'refused';
  readonly code: 'HF_PROTOCOL' | 'HF_LIMIT' | 'HF_UNSUPPORTED' | 'HF_AUTH_FAILED';
  readonly sqlstate: string;
  readonly message: string;
  readonly hint: string;
}

/** Parameters of the packet that are no settings; an `options` string may not smuggle them in. */
const PROTOCOL_NAMES = new Set(['user', 'database', 'options', 'replication']);

/** Sent upstream whatever the agent said; a startup packet outranks the database's own default. */
const PINNED: readonly StartupParameter[] = [
  ['client_encoding', 'UTF8'],
  ['standard_conforming_strings', 'on'],
];

const AS_ITSELF = 'an agent works as the role it was given and as no other';
const ONE_READING = 'Holdfast and the server must read the same bytes as the same SQL';

/** Setting, the values that are still fine (null: none), and why not the others. */
const SETTINGS = new Map<string, readonly [fine: ((value: string) => boolean) | null, why: string]>(
  [
    ['client_encoding', [(value) => UTF8_NAMES.has(encodingName(value)), ONE_READING]],
    ['standard_conforming_strings', [(value) => parseBoolean(value) === true, ONE_READING]],
    ['backslash_quote', [(value) => value.toLowerCase() === 'safe_encoding', ONE_READING]],
    ['session_replication_role', [null, 'it silences the triggers that keep undo data']],
    ['role', [null, AS_ITSELF]],
    ['session_authorization', [null, AS_ITSELF]],
    ['local_preload_libraries', [null, 'it loads code into the server']],
    ['session_preload_libraries', [null, 'it loads code into the server']],
  ],
);

const UTF8_NAMES = new Set(['utf8', 'unicode']);

/** PostgreSQL compares encoding names by their letters and digits alone. */
const encodingName = (value: string): string => value.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

export function readStartupParameters(
  given: readonly StartupParameter[],
): StartupWish | StartupRefusal {
  if (given.length > STARTUP_PARAMETERS_MAX) {
    return refusal('HF_LIMIT', '54000', `${given.length} startup parameters are too many`, {
      hint: `Send at most ${STARTUP_PARAMETERS_MAX}.`,
    });
  }
  const named = new Map<string, string>();
  for (const [name, value] of given) {
    const key = parameterName(name);
    if (named.has(key)) {
      return refusal('HF_PROTOCOL', '08P01', `startup parameter ${quoted(name)} comes twice`, {
        hint: 'Send each startup parameter once.',
      });
    }
    named.set(key, value);
  }
  const user = named.get('user') ?? '';
  if (user === '') {
    return refusal('HF_AUTH_FAILED', '28000', 'no user name in the startup packet', {
      hint: 'Connect as postgres://AGENT:TOKEN@host/TARGET.',
    });
  }
  if (parseBoolean(named.get('replication') ?? 'off') !== false) {
    return refusal('HF_UNSUPPORTED', '0A000', 'replication does not go through Holdfast', {
      hint: 'Leave out the replication parameter; read the tables with COPY instead.',
    });
  }
  return readSettings(user, named);
}

function readSettings(user: string, named: Map<string, string>): StartupWish | StartupRefusal {
  const fromOptions = splitOptions(named.get('options') ?? '');
  if (!Array.isArray(fromOptions)) return fromOptions;
  const unrecognized = [...named.keys()].filter((name) => name.startsWith('_pq_.'));
  const direct = [...named].filter(
    ([name]) => !PROTOCOL_NAMES.has(name) && !name.startsWith('_pq_.'),
  );
  // As in PostgreSQL: the last of several in `options` counts, a parameter of its own outranks it.
  const settings = new Map<string, string>([...fromOptions, ...direct]);
  for (const [name, value] of [...fromOptions, ...direct]) {
    const rule = SETTINGS.get(name);
    if (rule && !rule[0]?.(value)) {
      return refusal(
        'HF_UNSUPPORTED',
        '0A000',
        `setting ${quoted(name)} may not be ${quoted(value)}`,
        {
          hint: `Leave it out: ${rule[1]}.`,
        },
      );
    }
  }
  for (const [name, value] of PINNED) settings.set(name, value);
  return {
    kind: 'fine',
    user,
    database: named.get('database') || user,
    parameters: [...settings],
    unrecognized,
    applicationName: settings.get('application_name') ?? '',
    searchPath: settings.get('search_path') ?? null,
  };
}

/**
 * `-c name=value`, `-cname=value` and `--name=value`, split at white space, a backslash taking the
 * next character as it is. Other switches of the server's command line are refused, not guessed at.
 */
function splitOptions(options: string): StartupParameter[] | StartupRefusal {
  const words = [...optionWords(options)];
  const settings: StartupParameter[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    let assignment: string | undefined;
    if (word === '-c') {
      at += 1;
      assignment = words[at];
    } else if (word.startsWith('-c') || word.startsWith('--')) {
      assignment = word.slice(2);
    }
    const equals = assignment?.indexOf('=') ?? -1;
    const name = parameterName(assignment?.slice(0, equals) ?? '').replaceAll('-', '_');
    const value = assignment?.slice(equals + 1) ?? '';
    const known = equals > 0 && !PROTOCOL_NAMES.has(name) && !name.startsWith('_pq_.');
    if (!known) {
      return refusal('HF_UNSUPPORTED', '0A000', `startup option ${quoted(word)} is not accepted`, {
        hint: 'In options, use only -c name=value or --name=value.',
      });
    }
    settings.push([name, value]);
  }
  return settings;
}

function* optionWords(options: string): Generator<string> {
  // A word is any run of escaped characters and of characters that are neither space nor backslash;
  // a lone backslash at the very end stands for nothing, as in the server.
  for (const [word] of options.matchAll(/(?:\\[\s\S]|[^\\ \t\n\v\f\r])+/g)) {
    yield word.replaceAll(/\\([\s\S])/g, '$1');
  }
}

/** `_pq_.` is echoed as sent. */
function parameterName(name: string): string {
  return name.startsWith('_pq_.') ? name : settingName(name);
}

/** PostgreSQL's parse_bool: unique prefixes of true, false, yes, no; on, off; 1, 0. Null: neither. */
function parseBoolean(value: string): boolean | null {
  const word = value.toLowerCase();
  if (word === '') return null;
  if ('true'.startsWith(word) || 'yes'.startsWith(word) || word === 'on' || word === '1')
    return true;
  const no = 'false'.startsWith(word) || 'no'.startsWith(word) || word === '0';
  return no || word === 'of' || word === 'off' ? false : null;
}

function quoted(text: string): string {
  return `"${text.length > 64 ? `${text.slice(0, 64)}...` : text}"`;
}

function refusal(
  code: StartupRefusal['code'],
  sqlstate: string,
  message: string,
  { hint }: { readonly hint: string },
): StartupRefusal {
  return { kind: 'refused', code, sqlstate, message, hint };
}
