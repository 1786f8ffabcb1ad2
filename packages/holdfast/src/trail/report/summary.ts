/** The report in a few sentences, each with how it is: for the first page, and for the command line. */
import type { ReliabilityReport, TargetFigures } from './report-shape.ts';
import { countWords, plural, promiseWords, spanWords } from './words.ts';

export interface Sentence {
  /** `plain`: neither; a count that is neither kept nor broken. */
  readonly is: 'good' | 'bad' | 'plain';
  readonly text: string;
}

/** What a gateway that runs has not written yet; less is not worth a sentence. */
const UNMEASURED_MS_TOLD = 2 * 60 * 60 * 1000;
/** A quiet record has its hourly measures and starts all the same, where there is recovery; else days may be empty. */
const SILENT_MS_TOLD = 24 * 60 * 60 * 1000;

export function summaryOf(report: ReliabilityReport): readonly Sentence[] {
  return [
    trailSentence(report),
    ...endSentences(report),
    ...report.targets.flatMap(targetSentences),
    ...peopleSentences(report),
  ];
}

function trailSentence({ trail }: ReliabilityReport): Sentence {
  if (!trail.ok) {
    const text = `The record does not hold (${plural(trail.findingCount, 'finding')}): no figure of this report may be relied on.`;
    return { is: 'bad', text };
  }
  return {
    is: 'good',
    text: `The record holds: ${plural(trail.to - trail.from, 'entry', 'entries')} were read, and all of them are as they were signed.`,
  };
}

/** A record that ends before its period does says nothing of what came after: it was cut, or nobody wrote. */
function endSentences({ madeAt, period, trail }: ReliabilityReport): readonly Sentence[] {
  const until = Math.min(Date.parse(period.to), Date.parse(madeAt));
  const lastMs = Date.parse(trail.period.lastAt ?? period.from);
  if (until - lastMs < SILENT_MS_TOLD) return [];
  return [
    {
      is: 'bad',
      text: `The record says nothing of the last ${spanWords(until - lastMs)} of the period.`,
    },
  ];
}

function targetSentences(figures: TargetFigures): readonly Sentence[] {
  return [
    ...colourSentences(figures),
    ...lossSentences(figures),
    ...returnSentences(figures),
    ...proofSentences(figures),
  ];
}

function colourSentences({ rpo, target }: TargetFigures): readonly Sentence[] {
  const { red } = rpo.colours;
  if (red === 0) return [];
  return [
    {
      is: 'bad',
      text: `At ${countWords(red)} of ${plural(rpo.looks, 'look')} the recovery of ${target} was red: nothing fresh that was proven would have brought it back as promised.`,
    },
  ];
}

function lossSentences({ promise, rpo, target }: TargetFigures): readonly Sentence[] {
  if (promise === null || rpo.looks === 0) {
    return [{ is: 'plain', text: `How much of ${target} could have been lost was not measured.` }];
  }
  const promised = `promised: ${promiseWords(promise, 'rpoMs')}`;
  const worst = rpo.worstMs === null ? 'not known' : spanWords(rpo.worstMs);
  const without =
    rpo.without === 0 ? '' : `, and at ${countWords(rpo.without)} nothing reached a vault`;
  const first: Sentence =
    rpo.late === 0
      ? {
          is: 'good',
          text: `At no moment that was measured could more than ${worst} of work on ${target} have been lost (${promised}).`,
        }
      : {
          is: 'bad',
          text: `At ${countWords(rpo.late)} of ${plural(rpo.looks, 'look')} more of ${target} could have been lost than was promised then: at worst ${worst}${without} (${promised}).`,
        };
  if (rpo.unmeasuredMs < UNMEASURED_MS_TOLD) return [first];
  return [
    first,
    { is: 'plain', text: `For ${spanWords(rpo.unmeasuredMs)} nobody measured ${target}.` },
  ];
}

function returnSentences({ drills, promise, rto, target }: TargetFigures): readonly Sentence[] {
  const found: Sentence[] = [];
  if (drills.passed === 0) {
    found.push({ is: 'bad', text: `No rehearsed restore of ${target} passed in this period.` });
  } else if (rto.worstMs !== null) {
    const promised = promise === null ? '' : ` (promised: ${promiseWords(promise, 'rtoMs')})`;
    // Each by the promise of its own time: one of afterwards makes nothing good that was late before it.
    const late =
      rto.late === 0 ? '' : `; ${countWords(rto.late)} took longer than was promised then`;
    const unjudged =
      rto.unjudged === 0
        ? ''
        : `; of ${countWords(rto.unjudged)} the record does not say what was promised then`;
    found.push({
      is: rto.late > 0 ? 'bad' : promise === null || rto.unjudged > 0 ? 'plain' : 'good',
      text: `${target} was brought back in ${plural(drills.passed, 'rehearsal')}, the slowest in ${spanWords(rto.worstMs)}${late}${unjudged}${promised}.`,
    });
  }
  if (drills.failed > 0) {
    found.push({
      is: 'bad',
      text: `${plural(drills.failed, 'rehearsed restore')} of ${target} failed.`,
    });
  }
  if (drills.notRun > 0) {
    found.push({
      is: 'plain',
      text: `${plural(drills.notRun, 'rehearsed restore')} of ${target} could not be carried through.`,
    });
  }
  return found;
}

function proofSentences({ proofs, target }: TargetFigures): readonly Sentence[] {
  const { proven, refuted, unknown } = proofs;
  const times = (count: number): string => plural(count, 'time');
  const untold = unknown === 0 ? '' : ` ${times(unknown)}, it could not be told.`;
  if (refuted > 0) {
    const text = `${times(refuted)}, a credential could destroy what is kept of ${target} in a vault.${untold}`;
    return [{ is: 'bad', text }];
  }
  // One vault's proof says nothing of another, nor of its own days after it could not be told any more.
  const newest = new Map(proofs.days.toSorted(byDay).map((one) => [one.vault, one]));
  const untried = [...newest.values()].filter((one) => one.proven === 0).map(({ vault }) => vault);
  if (proven > 0 && untried.length === 0) {
    const text = `${times(proven)}, every credential tried to destroy what is kept of ${target}, and none could.${untold}`;
    return [{ is: 'good', text }];
  }
  if (proven > 0) {
    const text = `${times(proven)}, no credential could destroy what is kept of ${target}; of ${untried.join(', ')} it could not be told last.${untold}`;
    return [{ is: 'plain', text }];
  }
  return [
    {
      is: 'plain',
      text: `Nothing proves that what is kept of ${target} is out of reach of those who could destroy it.${untold}`,
    },
  ];
}

function byDay(a: { readonly day: string }, b: { readonly day: string }): number {
  return a.day < b.day ? -1 : 1;
}

function restoreSentences(restores: ReliabilityReport['restores']): readonly Sentence[] {
  const { came, failed, outOfReach, promoted, rows, source, writtenBack } = restores;
  if (source.entries === 0) return [];
  const written =
    writtenBack + promoted === 0
      ? ''
      : `: ${rows === null ? 'the record does not say how many rows' : plural(rows, 'row')}`;
  const beyond =
    outOfReach === 0
      ? ''
      : ` ${plural(outOfReach, 'other')} asked for what is not there, or into a folder that was not empty.`;
  return [
    {
      is: failed > 0 ? 'bad' : 'plain',
      text: `Restores: ${countWords(came)} to look at, ${countWords(writtenBack)} written back, ${countWords(promoted)} promoted${written}.${failed === 0 ? '' : ` ${plural(failed, 'other')} did not come back.`}${beyond}`,
    },
  ];
}

function peopleSentences(report: ReliabilityReport): readonly Sentence[] {
  const { holds, incidents, refusals, restores, tokens, undo } = report;
  const { medianMs, p90Ms } = holds.waiting;
  const waited =
    medianMs === null || p90Ms === null
      ? ''
      : ` Half of the answers came within ${spanWords(medianMs)}, nine of ten within ${spanWords(p90Ms)}.`;
  const partly = undo.partly === 0 ? '' : `, ${countWords(undo.partly)} of them in part`;
  return [
    {
      is: 'plain',
      text:
        holds.opened + holds.approved + holds.denied + holds.expired === 0
          ? 'No act of an agent waited for people.'
          : `${plural(holds.opened, 'act of an agent', 'acts of agents')} waited for people: ${countWords(holds.approved)} approved, ${countWords(holds.denied)} denied, ${countWords(holds.expired)} ran out unanswered.${waited}`,
    },
    {
      is: 'plain',
      text:
        refusals.total === 0
          ? 'No act of an agent was refused.'
          : `${plural(refusals.total, 'act of an agent was', 'acts of agents were')} refused.`,
    },
    {
      is: 'plain',
      text:
        undo.applied === 0
          ? restores.writtenBack + restores.promoted === 0
            ? 'Nothing was taken back.'
            : 'No item of the undo list was taken back.'
          : `${plural(undo.applied, 'time')}, people took something back${partly}: ${plural(undo.rows, 'row')} in ${plural(undo.items, 'item')}.`,
    },
    ...restoreSentences(restores),
    {
      is: 'plain',
      text:
        tokens.oldest === null
          ? 'No token of an agent was alive, as far as the record goes back.'
          : `The longest that a token of an agent had been alive is ${spanWords(tokens.oldest.ageMs)} (${tokens.oldest.agent}).`,
    },
    incidents.total === 0
      ? { is: 'good', text: 'No incident was recorded.' }
      : {
          is: 'bad',
          text: `${plural(incidents.total, 'incident was', 'incidents were')} recorded.`,
        },
  ];
}
