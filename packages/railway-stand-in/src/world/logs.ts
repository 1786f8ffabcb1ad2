/** What services write. Kept in order; who follows is told of each new line. */
import type { Thing } from './records.ts';

export interface LogLine {
  readonly atMs: number;
  readonly message: string;
  readonly severity: string;
  readonly environmentId: string | null;
  readonly serviceId: string | null;
  readonly deploymentId: string;
}

export class Logs {
  readonly #now: () => number;
  readonly #lines: LogLine[] = [];
  readonly #followers = new Set<(line: LogLine) => void>();

  constructor(now: () => number) {
    this.#now = now;
  }

  write({ id, environmentId, serviceId }: Thing, message: string, severity = 'info'): void {
    const place = { deploymentId: id, environmentId, serviceId };
    const line = { atMs: this.#now(), message, severity, ...place };
    this.#lines.push(line);
    for (const follower of this.#followers) follower(line);
  }

  lines(isMeant: (line: LogLine) => boolean): readonly LogLine[] {
    return this.#lines.filter(isMeant);
  }

  /** Tells what is there, if anything is, then each line that comes, until the result is called. */
  follow(
    isMeant: (line: LogLine) => boolean,
    told: (lines: readonly LogLine[]) => void,
  ): () => void {
    const there = this.lines(isMeant);
    if (there.length > 0) told(there);
    const follower = (line: LogLine): void => {
      if (isMeant(line)) told([line]);
    };
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}
