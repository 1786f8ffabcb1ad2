/** Who works over which connection: noted when it begins and ends, ended when its token does. */
import type { TokenVerifier } from '../../identity/agent-directory.ts';
import type { TokenUses, UseMark } from '../../identity/token-uses.ts';
import type { AgentActor } from '../../model/actor.ts';
import type { Clock } from '../../model/clock.ts';
import { newId } from '../../model/ids.ts';
import type { SessionFacts } from '../../model/intent.ts';
import { SESSION_PLACES_KEPT_MAX } from '../../model/limits.ts';
import type { TargetFacts } from '../../model/target.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import { headerOf, type Incoming, type Line } from './incoming.ts';

/** What one agent does over one connection. */
export interface Session {
  readonly facts: SessionFacts;
  readonly actor: AgentActor;
  readonly token: TokenVerifier;
  readonly line: Line;
  readonly places: Places;
  /** Set with each unit. */
  readonly use: UseMark;
}

/** One object for equal facts of a place, of one session only: the pipeline and the judge look up by it. */
export class Places {
  readonly #known = new Map<string, TargetFacts>();
  /** By identity, for who gives the same object again. */
  readonly #own = new WeakMap<TargetFacts, TargetFacts>();

  of(place: TargetFacts): TargetFacts {
    const own = this.#own.get(place);
    if (own !== undefined) return own;
    const found = this.#equalTo(place);
    this.#own.set(place, found);
    return found;
  }

  #equalTo(place: TargetFacts): TargetFacts {
    const { asked, how, searchPath } = place;
    if (searchPath.length > 0) return { ...place };
    const key = `${how === undefined ? '-' : '+'}${asked.length} ${asked}${how ?? ''}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= SESSION_PLACES_KEPT_MAX) this.#known.clear();
    const own = { ...place };
    this.#known.set(key, own);
    return own;
  }
}

export class Sessions {
  readonly #clock: Clock;
  readonly #pipeline: Pick<Pipeline, 'note'>;
  readonly #uses: TokenUses | null;
  readonly #live = new Map<object, Map<string, Session>>();

  constructor(clock: Clock, pipeline: Pick<Pipeline, 'note'>, uses: TokenUses | null) {
    this.#clock = clock;
    this.#pipeline = pipeline;
    this.#uses = uses;
  }

  of(request: Incoming, token: TokenVerifier): Session {
    const { connection, line } = request;
    let here = this.#live.get(connection);
    if (here === undefined) {
      here = new Map();
      this.#live.set(connection, here);
      line.onClose(() => this.#left(connection));
    }
    const known = here.get(token.tokenId);
    if (known !== undefined) {
      known.use.isUsed = true;
      return known;
    }
    const facts: SessionFacts = {
      id: newId('session', this.#clock),
      protocol: 'http',
      source: line.source,
      client: headerOf(request, 'user-agent'),
    };
    const { agentId, agentName, tokenId } = token;
    const actor: AgentActor = { kind: 'agent', id: agentId, name: agentName, tokenId };
    const use = this.#uses?.begin(tokenId, line.source, 'http') ?? { isUsed: true };
    const session = { facts, actor, token, line, places: new Places(), use };
    here.set(token.tokenId, session);
    this.#note('session-opened', session, `${token.agentName} opened a session`);
    return session;
  }

  /** In-flight work included: a connection that is gone gets no answer. How many ended. */
  end(matches: (token: TokenVerifier) => boolean): number {
    const ended = [...this.#live.values()]
      .flatMap((sessions) => [...sessions.values()])
      .filter(({ token }) => matches(token));
    for (const { line } of ended) line.destroy();
    return ended.length;
  }

  #left(connection: object): void {
    for (const session of this.#live.get(connection)?.values() ?? []) {
      this.#note('session-closed', session, 'the connection ended');
      this.#uses?.end(session.use);
    }
    this.#live.delete(connection);
  }

  #note(kind: 'session-opened' | 'session-closed', session: Session, message: string): void {
    const { id, source, client } = session.facts;
    const { agentName: agent, tokenId } = session.token;
    const facts = { session: id, agent, token: tokenId, source, client };
    this.#pipeline.note({ kind, facts, message });
  }
}
