/**
 * Numbers for Prometheus, in its text format. What the store knows is asked for when somebody scrapes, so
 * that every gateway says the same of it; latencies and the event loop are this process's own.
 *
 * Names and labels are few and fixed: no agent, person or statement becomes a label.
 */
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Overview } from '../store/overview-store.ts';
import type { EntryCount } from '../trail/trail-finder.ts';

export interface MetricsParts {
  readonly overview: () => Promise<Overview>;
  readonly counts: () => Promise<readonly EntryCount[]>;
  readonly sessions: () => Promise<readonly unknown[]>;
  /** Protection by target, as it was seen last. */
  readonly protections: () => readonly {
    readonly target: string;
    readonly level: string;
    readonly trouble: boolean;
  }[];
}

const LATENCY_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

export class Metrics {
  readonly #parts: MetricsParts;
  readonly #registry = new Registry();
  readonly #latency: Histogram<'route' | 'status'>;
  readonly #decisions: Gauge<'verdict'>;
  readonly #entries: Gauge<'kind'>;
  readonly #holds: Gauge<'state'>;
  readonly #plain: Readonly<
    Record<'proposals' | 'deferrals' | 'undo' | 'trail' | 'sessions', Gauge>
  >;
  readonly #protection: Gauge<'target' | 'level'>;
  readonly #trouble: Gauge<'target'>;

  constructor(parts: MetricsParts) {
    this.#parts = parts;
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry, prefix: 'holdfast_' });
    this.#latency = new Histogram({
      name: 'holdfast_api_request_seconds',
      help: 'Requests to the API by route and status, until the answer was made.',
      labelNames: ['route', 'status'],
      buckets: LATENCY_SECONDS,
      registers,
    });
    const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
    this.#decisions = new Gauge({
      name: 'holdfast_decisions',
      help: 'Decisions in the trail, by verdict.',
      labelNames: ['verdict'],
      registers,
    });
    this.#entries = new Gauge({
      name: 'holdfast_trail_entries',
      help: 'Entries in the trail, by kind.',
      labelNames: ['kind'],
      registers,
    });
    this.#holds = new Gauge({
      name: 'holdfast_holds_open',
      help: 'Holds that are open, by state.',
      labelNames: ['state'],
      registers,
    });
    this.#plain = {
      proposals: gauge('holdfast_proposals_open', 'Proposals that are open.'),
      deferrals: gauge('holdfast_deferrals_open', 'What waits out the grace, or runs.'),
      undo: gauge('holdfast_undo_items', 'What can still be taken back.'),
      trail: gauge('holdfast_trail_size', 'Entries in the trail.'),
      sessions: gauge('holdfast_agent_sessions', 'Sessions of agents on all gateways.'),
    };
    this.#protection = new Gauge({
      name: 'holdfast_target_protection',
      help: 'How far each target is protected: 1 for its level.',
      labelNames: ['target', 'level'],
      registers,
    });
    this.#trouble = new Gauge({
      name: 'holdfast_target_trouble',
      help: '1 while the undo data of a target is not safe.',
      labelNames: ['target'],
      registers,
    });
  }

  /** By the name of the route; never by what stood in its path. */
  answered(route: string, status: number, seconds: number): void {
    this.#latency.observe({ route, status: String(status) }, seconds);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    const { counts, overview, protections, sessions } = this.#parts;
    const seen = await overview();
    this.#holds.set({ state: 'waiting' }, seen.holds.waiting);
    this.#holds.set({ state: 'signed' }, seen.holds.signed);
    this.#plain.proposals.set(seen.proposalsOpen);
    this.#plain.deferrals.set(seen.deferrals.open);
    this.#plain.undo.set(seen.undo.items);
    this.#plain.trail.set(Number(seen.trailSize));
    this.#plain.sessions.set((await sessions()).length);
    const byKind = new Map<string, number>();
    for (const { entries, kind, verdict } of await counts()) {
      byKind.set(kind, (byKind.get(kind) ?? 0) + entries);
      if (verdict !== null) this.#decisions.set({ verdict }, entries);
    }
    for (const [kind, entries] of byKind) this.#entries.set({ kind }, entries);
    this.#protection.reset();
    for (const { level, target, trouble } of protections()) {
      this.#protection.set({ target, level }, 1);
      this.#trouble.set({ target }, trouble ? 1 : 0);
    }
    return await this.#registry.metrics();
  }
}
