/** What an act would do, in a sentence for people. From Holdfast's own reading, never from the text. */

export interface EffectLike {
  readonly kind: string;
  readonly verb: string;
  readonly object: {
    readonly type: string;
    readonly schema: string | null;
    readonly name: string;
  } | null;
  readonly reach: string;
  readonly additive: boolean;
  readonly why: string | null;
}

export function nameOf(object: EffectLike['object']): string {
  if (object === null) return 'something that the text does not name';
  return object.schema === null ? object.name : `${object.schema}.${object.name}`;
}

export function effectSentence(effect: EffectLike): string {
  const { kind, object, reach, verb } = effect;
  const what =
    object === null ? 'something' : `the ${object.type.replaceAll('-', ' ')} ${nameOf(object)}`;
  switch (kind) {
    case 'read':
      return `Reads ${what}; nothing changes.`;
    case 'write':
      return `Changes rows of ${what}: ${reachWords(reach)}.`;
    case 'destroy':
      if (reach === 'rows') return `Destroys rows of ${what}: those that a condition picks.`;
      return `Destroys ${what}: ${reachWords(reach)}.`;
    case 'reshape':
      return effect.additive
        ? `Adds to ${what} (${verb}); nothing is lost.`
        : `Changes the structure of ${what} (${verb}).`;
    case 'grant':
      return `Changes who may do what with ${what} (${verb}).`;
    case 'execute':
      return `Runs code whose effects the text does not show (${verb} ${object === null ? '' : nameOf(object)}).`.replace(
        ' )',
        ')',
      );
    default:
      return `Nobody can tell what ${verb === '' ? 'this' : verb} does; it counts as destructive.`;
  }
}

export function reachWords(reach: string): string {
  switch (reach) {
    case 'none':
      return 'no rows';
    case 'rows':
      return 'the rows that a condition picks';
    case 'whole':
      return 'all of it';
    case 'cascade':
      return 'all of it, and whatever depends on it';
    default:
      return 'how far it reaches, the text does not tell';
  }
}

/** The worst first, so that what matters is the sentence on top. */
const ORDER = ['destroy', 'unknown', 'execute', 'grant', 'reshape', 'write', 'read'];

export function headline(effects: readonly EffectLike[], couldNotTell: string | null): string {
  if (couldNotTell !== null) return 'Nobody can tell all that this does. It counts as destructive.';
  const [worst] = effects.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  return worst === undefined ? 'Holdfast found no effect in it.' : effectSentence(worst);
}

/** `destroy` of things, or what nobody can take back: whoever signs types the name. */
export function takingBackSentence(
  taking: { readonly reversal: string; readonly reason: string } | null,
): string {
  if (taking === null) return 'Not known when this was held: count on it being for good.';
  switch (taking.reversal) {
    case 'capture':
      return 'The rows as they were before are kept, and one click on Undo puts them back.';
    case 'rename':
      return 'What is dropped goes to the trash, what is changed is recorded; Undo puts it back.';
    case 'inverse':
      return 'The state as it was before is kept sealed, and Undo sets it again.';
    case 'defer':
      return `Nothing takes it back${because(taking.reason)}. So it does not run at once: it waits out the grace, and anyone who may approve can cancel it until then.`;
    default:
      return `Nothing takes it back${because(taking.reason)}. What passes is done for good.`;
  }
}

function because(reason: string): string {
  return reason === '' ? '' : ` (${reason})`;
}

export const LEVEL_WORDS: Readonly<Record<string, string>> = {
  full: 'the target itself refuses what was not approved, and keeps what passes',
  'no-fence': 'what passes is kept; owners of tables may drop and rewrite past Holdfast',
  'capture-only': 'rows are kept; agents have no role of their own there',
  none: 'the target is not protected (holdfast protect)',
};

export const ENVIRONMENT_WORDS: Readonly<Record<string, string>> = {
  open: 'agents work freely',
  guarded: 'destruction is held',
  sealed: 'every change is held',
};
