/**
 * The facts of a card, whatever the target: of a PostgreSQL target from its own catalogs, of a provider from
 * what was asked when the act was judged. All of it within CARD_FACTS_MS_MAX: what has not come by then is
 * told as not known, and the hold opens. An agent that asks for many at once waits for its own: one look-up
 * of an agent runs at a target at a time, its time begins with its turn, and others are not late for it.
 *
 * It will not: reject but for a turn that never came, hold an act up for longer, or take the agent's word for anything.
 */
import { type CardFacts, type FactFinder, NO_FACTS } from './approvals/card-facts.ts';
import { runnableOf } from './approvals/runnable.ts';
import type { Config, Env, TargetConfig } from './config/config.ts';
import type { Clock } from './model/clock.ts';
import { messageOf } from './model/errors.ts';
import { httpActIn } from './model/http-request.ts';
import type { Intent } from './model/intent.ts';
import { CARD_FACTS_MS_MAX, CARD_FACTS_TURN_MS_MAX, CARD_OBJECTS_MAX } from './model/limits.ts';
import { type NamePath, namePathIn, sessionMarkOf } from './model/session-settings.ts';
import type { Target } from './model/target.ts';
import type { TouchedObject } from './model/touched.ts';
import { type AdminConnection, openTargetDatabase } from './protection/postgres/admin.ts';
import type { Asked } from './protection/postgres/facts/asked.ts';
import { FACTS_LOCK_MS_MAX, PostgresFacts } from './protection/postgres/facts/finder.ts';
import { Gathering, type TargetFound } from './protection/postgres/facts/gathering.ts';
import { whyNot } from './protection/postgres/facts/late.ts';
import type { TargetDatabase } from './protection/target-database.ts';
import type { TargetGuard } from './protection/target-guard.ts';
import type { Provider } from './providers/provider.ts';
import { adminConnectionOf, agentConnectionOf } from './wiring.ts';

/** Cards of one target that are looked up at the same time, of as many agents: one agent has one. */
const POOL_SIZE = 4;

export interface FactFindingParts {
  readonly config: Pick<Config, 'targets'>;
  readonly env: Env;
  readonly clock: Clock;
  readonly guards: ReadonlyMap<string, TargetGuard>;
  readonly providers: ReadonlyMap<string, Provider>;
  /** CARD_FACTS_MS_MAX when left out. */
  readonly msMax?: number;
  /** CARD_FACTS_TURN_MS_MAX when left out. */
  readonly turnMsMax?: number;
}

export class TargetFacts implements FactFinder {
  readonly #parts: FactFindingParts;
  readonly #msMax: number;
  /** Opened at the first card of a target. */
  readonly #turns = new Turns();
  readonly #databases = new Map<string, TargetDatabase>();

  constructor(parts: FactFindingParts) {
    this.#parts = parts;
    this.#msMax = parts.msMax ?? CARD_FACTS_MS_MAX;
  }

  async find(intent: Intent, target: Target, isDue = false): Promise<CardFacts | null> {
    const { clock, config, providers } = this.#parts;
    const acts = intent.acts().map((act) => Buffer.from(act.buffer, act.byteOffset, act.length));
    const request = httpActIn(acts);
    let found: TargetFound | null = null;
    if (request !== null) {
      found = foundAtProvider(intent, providers.get(request.provider) ?? null, acts);
    } else {
      const database = config.targets.find(({ name }) => name === target.name);
      if (database !== undefined) {
        const turnMsMax = this.#parts.turnMsMax ?? CARD_FACTS_TURN_MS_MAX;
        // A deferral that is due holds a lock meanwhile, and must not wait for what its agent asks now.
        const whose = `${isDue ? 'due' : ''}\0${intent.actor.id}\0${target.name}`;
        found = await this.#turns.take(whose, turnMsMax, () =>
          this.#inDatabase(intent, database, acts),
        );
      }
    }
    return found === null ? null : { lookedUpAt: clock.now().toISOString(), ...found };
  }

  async close(): Promise<void> {
    const databases = [...this.#databases.values()];
    this.#databases.clear();
    for (const one of databases) await one.close();
  }

  async #inDatabase(
    intent: Intent,
    target: TargetConfig,
    acts: readonly Buffer[],
  ): Promise<TargetFound> {
    const into = new Gathering();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((done) => {
      timer = setTimeout(done, this.#msMax);
    });
    const work = this.#lookUp(intent, target, acts, into).catch((error: unknown) => {
      into.answered('anything');
      into.note(`anything of ${target.name}: ${whyNot(error, this.#msMax)}`);
    });
    await Promise.race([work, late]);
    clearTimeout(timer);
    return into.found(this.#msMax);
  }

  async #lookUp(
    intent: Intent,
    target: TargetConfig,
    acts: readonly Buffer[],
    into: Gathering,
  ): Promise<void> {
    const { reading } = intent;
    into.ask('anything');
    let login: Promise<AdminConnection> | null = null;
    const loginOf = (): Promise<AdminConnection> => {
      login ??= this.#loginOf(intent, target);
      return login;
    };
    const asked: Asked = {
      effects: reading.effects,
      isWhole: reading.kind === 'understood',
      statement: statementIn(acts),
      path: await withUser(namePathIn(acts[0]), loginOf),
      settings: sessionMarkOf(acts).settings,
    };
    const facts = new PostgresFacts({ db: this.#databaseOf(target), msMax: this.#msMax });
    into.answered('anything');
    await facts.lookUp(asked, loginOf, into);
  }

  async #loginOf({ actor }: Intent, target: TargetConfig): Promise<AdminConnection> {
    const role = await this.#parts.guards.get(target.name)?.roleFor(actor);
    return agentConnectionOf(target, this.#parts.env, role ?? null);
  }

  #databaseOf(target: TargetConfig): TargetDatabase {
    const known = this.#databases.get(target.name);
    if (known !== undefined) return known;
    const opened = openTargetDatabase({
      target: target.name,
      connection: adminConnectionOf(target, this.#parts.env),
      poolSize: POOL_SIZE,
      waitMsMax: this.#msMax,
      statementMsMax: this.#msMax,
      lockMsMax: FACTS_LOCK_MS_MAX,
    });
    this.#databases.set(target.name, opened);
    return opened;
  }
}

/** One after the other for each who asks. */
class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Rejects when the turn does not come within `msMax`; then `work` is not begun. */
  async take<T>(whose: string, msMax: number, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(whose) ?? Promise.resolve();
    let isTooLate = false;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_done, fail) => {
      timer = setTimeout(() => {
        isTooLate = true;
        fail(new Error(`the look-ups of this agent before it took longer than ${msMax} ms`));
      }, msMax);
    });
    const mine = before
      .catch(() => {})
      .then(() => {
        clearTimeout(timer);
        return isTooLate ? null : work();
      });
    this.#last.set(whose, mine);
    // Who gave up waiting stands here still: whoever comes next waits for those before both.
    const leave = (): void => {
      if (this.#last.get(whose) === mine) this.#last.delete(whose);
    };
    mine.then(leave, leave);
    try {
      const done = await Promise.race([mine, late]);
      if (done === null) throw new Error('its turn came too late');
      return done;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** One simple Query or one Bind: search path, what it may run, what it is. More of them are no one statement. */
const ACTS_OF_ONE = 3;

function statementIn(acts: readonly Buffer[]): Asked['statement'] {
  const runnable = acts.length === ACTS_OF_ONE ? runnableOf(acts) : null;
  if (runnable === null) return null;
  return {
    text: runnable.statement.toString('utf8'),
    parameterCount: runnable.parameters.length,
  };
}

/** `$user` is the schema of that name, if there is one. */
async function withUser(
  path: NamePath,
  loginOf: () => Promise<AdminConnection>,
): Promise<NamePath> {
  if (!path.schemas.includes('$user')) return path;
  const { user } = await loginOf();
  return { ...path, schemas: path.schemas.map((name) => (name === '$user' ? user : name)) };
}

/** Never asks: what was known when it was judged is what people are told. */
function foundAtProvider(
  { reading }: Intent,
  provider: Provider | null,
  acts: readonly Buffer[],
): TargetFound | null {
  const request = httpActIn(acts);
  const changed = reading.effects.filter(({ kind }) => kind !== 'read');
  if (request === null || changed.length === 0) return null;
  const notTold =
    reading.kind === 'understood' ? [] : ['what else it does: it could not be read whole'];
  try {
    const known = provider?.touched?.(request, reading.effects) ?? null;
    const told = new Set(known?.objects.map(({ type }) => type));
    const named = changed.flatMap(({ object }): readonly TouchedObject[] => {
      if (object === null || object.name === '' || told.has(object.type)) return [];
      return [{ name: object.name, type: object.type, rows: null, bytes: null }];
    });
    const objects = [...(known?.objects ?? []), ...unique(named)];
    const dependents = known?.dependents ?? [];
    if (known === null) {
      notTold.push(`size and dependents: Holdfast does not look them up at ${request.provider}`);
    }
    return {
      rows: null,
      objects: objects.slice(0, CARD_OBJECTS_MAX),
      objectsTotal: objects.length,
      dependents: dependents.slice(0, CARD_OBJECTS_MAX),
      dependentsTotal: dependents.length,
      recoveryLost: known?.recoveryLost ?? backupsIn(reading.effects),
      notTold: [...notTold, ...(known?.notTold ?? [])],
    };
  } catch (error) {
    const why = messageOf(error);
    return { ...NO_FACTS, notTold: [...notTold, `anything of it: ${why}`] };
  }
}

function backupsIn(effects: Intent['reading']['effects']): readonly string[] {
  return effects.flatMap(({ kind, object }) =>
    kind === 'destroy' && object?.type === 'backup'
      ? [`the backup ${object.name} is one itself, and goes`]
      : [],
  );
}

function unique(objects: readonly TouchedObject[]): readonly TouchedObject[] {
  return [...new Map(objects.map((one) => [`${one.type} ${one.name}`, one])).values()];
}
