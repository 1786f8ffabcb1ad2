/**
 * Which channel hears of what, and when. Every route that a notice fits counts; where several lead to
 * one channel, the most important word wins. Pure: no clock, no store.
 */
import { IMPORTANCES, type Importance, type RoutedKind } from '../model/notice-kind.ts';
import type { Notice } from './notice.ts';
import { type QuietHours, quietUntil } from './quiet-hours.ts';

export interface Route {
  /** Null: of every kind. */
  readonly kinds: readonly RoutedKind[] | null;
  /** By name; null: in any environment, and what is about none. */
  readonly environments: readonly string[] | null;
  /** Instead of what the notice says itself. */
  readonly importance: Importance | null;
  readonly to: readonly string[];
  /** Who hears of it next when nobody has answered: one list after the other. */
  readonly escalate: readonly (readonly string[])[];
}

export interface ChannelRules {
  readonly name: string;
  readonly quietHours: QuietHours | null;
  /** `now` in a sealed environment goes out in quiet hours, too. */
  readonly urgent: boolean;
}

export interface Routing {
  readonly channels: readonly ChannelRules[];
  readonly routes: readonly Route[];
  /** Null: nobody else is asked. */
  readonly escalateAfterMs: number | null;
  readonly digestEveryMs: number;
}

export interface Delivery {
  readonly channel: string;
  readonly importance: Importance;
  /** Not before. */
  readonly dueAt: Date;
}

/** `escalation`: 0 for the first time it is told, then which list comes next. */
export function deliveriesOf(
  routing: Routing,
  notice: Notice,
  escalation: number,
  now: Date,
): readonly Delivery[] {
  const byChannel = new Map<string, Importance>();
  for (const route of routing.routes.filter((one) => fits(one, notice, escalation))) {
    const channels = escalation === 0 ? route.to : (route.escalate[escalation - 1] ?? []);
    for (const channel of channels) {
      const importance = route.importance ?? notice.importance;
      byChannel.set(channel, higher(byChannel.get(channel), importance));
    }
  }
  return routing.channels.flatMap((rules) => {
    const importance = byChannel.get(rules.name);
    if (importance === undefined) return [];
    const isUrgent = isBreakingThrough(rules, notice, importance);
    const earliest = importance === 'digest' ? nextDigest(routing.digestEveryMs, now) : now;
    return [{ channel: rules.name, importance, dueAt: dueAt(rules, isUrgent, earliest) }];
  });
}

/** Quiet hours count for what is tried again, too. */
export function dueAt(rules: ChannelRules, isUrgent: boolean, earliest: Date): Date {
  if (isUrgent || rules.quietHours === null) return earliest;
  return quietUntil(rules.quietHours, earliest) ?? earliest;
}

export function isBreakingThrough(
  { urgent }: ChannelRules,
  { environment }: Notice,
  importance: Importance,
): boolean {
  return urgent && importance === 'now' && environment?.level === 'sealed';
}

export function escalationsOf({ routes }: Routing): number {
  return Math.max(0, ...routes.map(({ escalate }) => escalate.length));
}

/** `notice` is the one that opened it: an escalation goes the way that went, or a way of its own. */
function fits({ environments, kinds }: Route, notice: Notice, escalation: number): boolean {
  const { environment, kind } = notice;
  const isOfKind =
    kinds === null ||
    kinds.some((one) => one === kind || (escalation > 0 && one === 'hold-escalated'));
  return isOfKind && (environments === null || environments.includes(environment?.name ?? ''));
}

function higher(a: Importance | undefined, b: Importance): Importance {
  if (a === undefined) return b;
  return IMPORTANCES.indexOf(a) <= IMPORTANCES.indexOf(b) ? a : b;
}

/** The same moment for every gateway and every notice, so that they gather. */
function nextDigest(everyMs: number, now: Date): Date {
  return new Date((Math.floor(now.getTime() / everyMs) + 1) * everyMs);
}
