/** What people say of an agent, held against its limits, and as facts for the trail. */
import { HoldfastError } from '../model/errors.ts';
import { AGENT_NAMES_MAX, AGENT_NOTE_CHARS_MAX, AGENT_PURPOSE_CHARS_MAX } from '../model/limits.ts';
import type { AgentSettings } from './agent-store.ts';
import { workingHoursText } from './working-hours.ts';

type Said = Partial<Omit<AgentSettings, 'owner'>>;

/** HF_USAGE. Names are held against holdfast.yaml by who knows it. */
export function checkSettings({ effectKinds, environments, purpose, targets }: Said): void {
  if (purpose !== undefined)
    checkLine('a purpose in one sentence', purpose, AGENT_PURPOSE_CHARS_MAX);
  for (const names of [environments ?? [], targets ?? []]) {
    if (names.length > AGENT_NAMES_MAX) {
      throw notSo(`at most ${AGENT_NAMES_MAX} names`, String(names.length));
    }
    for (const name of names) checkLine('the name of an environment or a target', name, 200);
  }
  if (effectKinds?.length === 0) throw notSo('at least one kind of effect', 'none');
}

/** Why somebody paused it, on one line; may be empty. */
export function checkNote(note: string): string {
  if (note !== '') checkLine('a reason in one line', note, AGENT_NOTE_CHARS_MAX);
  return note;
}

/** Control and direction characters would play on the screen of whoever reads the list. */
function checkLine(what: string, text: string, charsMax: number): void {
  const isPlain = text.trim() !== '' && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(text);
  if (isPlain && text.length <= charsMax) return;
  const found = isPlain ? `${text.length} characters` : 'nothing, or characters that do not show';
  throw notSo(`${what} of at most ${charsMax} characters`, found);
}

function notSo(expected: string, found: string): HoldfastError {
  return new HoldfastError('HF_USAGE', {
    expected,
    found,
    hint: 'See `holdfast agents set --help`.',
  });
}

/** Flat, of what was said only. */
export function settingsFacts(
  said: Said & { readonly owner?: string | null },
): Readonly<Record<string, string>> {
  const { effectKinds, environments, expiresAt, owner, purpose, targets, workingHours } = said;
  return {
    ...(purpose === undefined ? {} : { purpose }),
    ...(owner === undefined ? {} : { owner: owner ?? 'none' }),
    ...(environments === undefined ? {} : { environments: environments.join(',') || 'any' }),
    ...(targets === undefined ? {} : { targets: targets.join(',') || 'any' }),
    ...(effectKinds === undefined ? {} : { effects: effectKinds?.join(',') ?? 'all' }),
    ...(workingHours === undefined
      ? {}
      : { hours: workingHours === null ? 'always' : workingHoursText(workingHours) }),
    ...(expiresAt === undefined ? {} : { expires: expiresAt?.toISOString() ?? 'never' }),
  };
}
