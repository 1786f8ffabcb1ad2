/** Whether this gateway should be sent agents and people: each part is asked, and one that is not says why. */
export interface Part {
  readonly ok: boolean;
  /** Why not, in a few words; '' when it is. Nothing that only an operator should read. */
  readonly why: string;
}

export interface Readiness {
  readonly ok: boolean;
  readonly parts: Readonly<Record<string, Part>>;
}

export type Checks = Readonly<Record<string, () => Promise<Part>>>;

/** A store that does not answer within this is not there. */
const CHECK_MS_MAX = 2_000;

export async function readinessOf(checks: Checks): Promise<Readiness> {
  const parts = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await within(check)] as const),
  );
  return { ok: parts.every(([, { ok }]) => ok), parts: Object.fromEntries(parts) };
}

async function within(check: () => Promise<Part>): Promise<Part> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Part>((done) => {
    timer = setTimeout(() => done({ ok: false, why: 'no answer in time' }), CHECK_MS_MAX);
  });
  try {
    return await Promise.race([check(), late]);
  } catch {
    return { ok: false, why: 'cannot be reached' };
  } finally {
    clearTimeout(timer);
  }
}
