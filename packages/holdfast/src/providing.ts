/** The providers that holdfast.yaml names. Reads secrets when they are asked for, keeps none. */
import { readFileSync } from 'node:fs';
import type { Config, Env, TargetConfig } from './config/config.ts';
import type { Clock } from './model/clock.ts';
import { HoldfastError, messageOf } from './model/errors.ts';
import { ENVIRONMENT_LEVELS } from './model/target.ts';
import { openTargetDatabase } from './protection/postgres/admin.ts';
import { contentsOf } from './protection/postgres/contents.ts';
import type { TargetDatabase } from './protection/target-database.ts';
import { DESCRIBED, PROVIDERS, type ProviderClass } from './providers/index.ts';
import type { Provider, ProviderOptions } from './providers/provider.ts';
import { adminConnectionOf } from './wiring.ts';

/** For the words of a card: who asks is an agent that waits. */
const CONTENTS_MS_MAX = 2000;

/** Throws HF_CONFIG_INVALID for a provider that this version does not know. */
export function providersOf(
  config: Config,
  parts: {
    readonly env: Env;
    readonly clock: Clock;
    readonly sql: ProviderOptions['sql'];
    readonly secretOf: (credential: string) => Promise<string>;
  },
): ReadonlyMap<string, Provider> {
  const { clock, env, sql, secretOf } = parts;
  const strictnessOf = new Map(
    config.environments.map(({ name, level }) => [name, ENVIRONMENT_LEVELS.indexOf(level)]),
  );
  const providers = new Map(
    config.providers.map(({ credential, kind, name, openapi, places, url }) => {
      const Made = classOf(name, openapi !== null);
      const provider = new Made({
        origin: url,
        clock,
        sql,
        kind,
        description: openapi === null ? null : { name, ...openapi, text: textAt(openapi.path) },
        secret: () => secretOf(credential),
        placeOf: (project, at) => {
          const place = places.find((one) => one.project === project && one.at === at);
          if (place === undefined) return null;
          const strictness = strictnessOf.get(place.environment) ?? ENVIRONMENT_LEVELS.length;
          return { target: place.target, environment: place.environment, strictness };
        },
        databaseOf: async (target, service) => {
          const name = places.find((one) => one.target === target)?.databases[service];
          const database = config.targets.find((one) => one.name === name);
          return database === undefined ? null : databaseWords(database, env);
        },
      });
      return [name, provider];
    }),
  );
  requireOwnHosts(providers);
  return providers;
}

/** Never without the name: that the server did not answer is what people are told, not nothing. */
async function databaseWords(target: TargetConfig, env: Env): Promise<string> {
  let db: TargetDatabase | null = null;
  try {
    db = openTargetDatabase({
      target: target.name,
      connection: adminConnectionOf(target, env),
      poolSize: 1,
      waitMsMax: CONTENTS_MS_MAX,
      statementMsMax: CONTENTS_MS_MAX,
    });
    return `database ${target.name} with ${await contentsOf(db)}`;
  } catch (error) {
    const why = error instanceof HoldfastError ? error.found : String(error);
    return `database ${target.name}, whose rows could not be counted (${why})`;
  } finally {
    // What was asked has its answer; a server that is slow to part must not take it away.
    await db?.close().catch(() => {});
  }
}

/** Of two providers for one host it would be chance which one judges. */
function requireOwnHosts(providers: ReadonlyMap<string, Provider>): void {
  const owners = new Map<string, string>();
  for (const [name, { hosts }] of providers) {
    for (const host of hosts) {
      const owner = owners.get(host);
      if (owner !== undefined) {
        throw new HoldfastError('HF_CONFIG_INVALID', {
          expected: `one provider for ${host}`,
          found: `${owner} and ${name}`,
          hint: 'Take one of them out of providers in holdfast.yaml.',
        });
      }
      owners.set(host, name);
    }
  }
}

/** A file does not take the place of what we know: the catalogue of a known provider says more. */
function classOf(name: string, isDescribed: boolean): ProviderClass {
  const known = [...PROVIDERS.keys()].filter((one) => one !== DESCRIBED);
  const found = PROVIDERS.get(isDescribed ? DESCRIBED : name);
  if (found !== undefined && isDescribed !== known.includes(name)) return found;
  throw new HoldfastError('HF_CONFIG_INVALID', {
    expected: `${known.join(', ')}, or another name with openapi: PATH`,
    found: isDescribed ? `${name} with openapi` : name,
    hint: 'Correct its name under providers in holdfast.yaml.',
  });
}

function textAt(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new HoldfastError('HF_CONFIG_INVALID', {
      expected: `a description of an API at ${path}`,
      found: messageOf(cause),
      hint: 'Correct openapi under providers in holdfast.yaml.',
      cause,
    });
  }
}
