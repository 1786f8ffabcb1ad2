/**
 * Counts harmless units into the next batch entry. It stands in the way of every read (30,000 a
 * second), so counting one makes no string and looks up by identity: a session, its target, and the
 * reading, which is one object per statement shape as long as the reader's cache holds it.
 * The text is asked for once per distinct reading and batch, while its bytes are still there.
 */
import type { Reading } from '../model/effect.ts';
import type { Intent } from '../model/intent.ts';
import { READ_SHAPES_MAX, READ_TEXT_CHARS_MAX } from '../model/limits.ts';
import type { Target } from '../model/target.ts';
import {
  actorJson,
  type Draft,
  type EntryMaker,
  isoTime,
  sessionJson,
  targetJson,
  textJson,
} from './entry.ts';

interface Shape {
  readonly text: string;
  readonly firstMs: number;
  lastMs: number;
  count: number;
}

interface Group {
  readonly intent: Pick<Intent, 'actor' | 'session'>;
  readonly target: Target;
  readonly shapes: Map<Reading, Shape>;
  /** Units whose shape was one too many to be told apart. */
  other: number;
}

export class ReadBatch {
  #groups = new Map<Intent['session'], Group[]>();
  #shapeCount = 0;
  #total = 0;
  #fromMs = 0;
  #toMs = 0;
  #last: Group | null = null;

  get total(): number {
    return this.#total;
  }

  count(intent: Intent, target: Target, nowMs: number): void {
    let group = this.#last;
    if (group === null || group.intent.session !== intent.session || group.target !== target) {
      group = this.#groupOf(intent, target);
      this.#last = group;
    }
    const shape = group.shapes.get(intent.reading);
    if (shape !== undefined) {
      shape.count += 1;
      shape.lastMs = nowMs;
    } else if (this.#shapeCount < READ_SHAPES_MAX) {
      this.#shapeCount += 1;
      const text = textJson(intent.text(), READ_TEXT_CHARS_MAX);
      group.shapes.set(intent.reading, { text, firstMs: nowMs, lastMs: nowMs, count: 1 });
    } else {
      group.other += 1;
    }
    if (this.#total === 0) this.#fromMs = nowMs;
    this.#toMs = nowMs;
    this.#total += 1;
  }

  /** The entry of all that was counted, or null; and begins anew. */
  take(entries: EntryMaker): Draft | null {
    if (this.#total === 0) return null;
    const groups = [...this.#groups.values()].flat().map(groupJson).join(',');
    const draft = entries.reads(`[${groups}]`, this.#total, this.#fromMs, this.#toMs);
    this.clear();
    return draft;
  }

  clear(): void {
    this.#groups = new Map();
    this.#shapeCount = 0;
    this.#total = 0;
    this.#last = null;
  }

  #groupOf({ actor, session }: Intent, target: Target): Group {
    const ofSession = this.#groups.get(session) ?? [];
    const known = ofSession.find((group) => group.target === target);
    if (known !== undefined) return known;
    const group: Group = { intent: { actor, session }, target, shapes: new Map(), other: 0 };
    ofSession.push(group);
    this.#groups.set(session, ofSession);
    return group;
  }
}

function groupJson({ intent, target, shapes, other }: Group): string {
  const units = [...shapes.values()].map(
    ({ count, firstMs, lastMs, text }) =>
      `{"count":${count},"first":"${isoTime(firstMs)}","last":"${isoTime(lastMs)}","text":${text}}`,
  );
  return (
    `{"actor":${actorJson(intent.actor)},"other":${other},"session":${sessionJson(intent.session)},` +
    `"target":${targetJson(target)},"units":[${units.join(',')}]}`
  );
}
