/** Who acts. An agent is not a person and a person is not an agent; neither is ever shared. */

export interface AgentActor {
  readonly kind: 'agent';
  readonly id: string;
  /** Unique, what people read: `cursor-backend`. */
  readonly name: string;
  /** The token this session presented; revoking it ends the session. */
  readonly tokenId: string;
}

export interface PersonActor {
  readonly kind: 'person';
  readonly id: string;
  readonly name: string;
}

export type Actor = AgentActor | PersonActor;
