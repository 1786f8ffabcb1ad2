/** What an actor asks, decoded, before any effect: one unit that can be forwarded whole. */
import type { AgentActor } from './actor.ts';
import type { Reading } from './effect.ts';
import type { ProtocolName } from './target.ts';

export interface Intent {
  readonly actor: AgentActor;
  readonly session: SessionFacts;
  readonly reading: Reading;
  /**
   * What the unit says, for people and the trail, in UTF-8. May be megabytes: it is handed on as it
   * came, and whoever shows it decodes no more than it shows.
   */
  text(): Buffer;
  /**
   * The exact acts of the unit, in order, for the digest: statement texts and parameter values, byte
   * for byte, and what else their meaning hangs on (types of parameters, search path, what a name may
   * mean), without names that a client makes up anew at each try (prepared statements, portals).
   */
  acts(): readonly Uint8Array[];
}

export interface SessionFacts {
  readonly id: string;
  readonly protocol: ProtocolName;
  /** `127.0.0.1:50123`. */
  readonly source: string;
  /** What the client calls itself (`application_name`); its own word, shown as such. */
  readonly client: string;
}
