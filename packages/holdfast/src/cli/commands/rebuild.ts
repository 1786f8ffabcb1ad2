/**
 * `holdfast recovery rebuild`: rows that a restored copy lacks, proposed from what is known since. Proposing
 * and putting rows into the copy work on the machine where the copy lies; looking, choosing and proposing the
 * promotion ask the API, so that they work from anywhere.
 */
import type { Command } from 'commander';
import { type Context, onThisMachine, type Run } from '../command.ts';
import { withPerson } from '../person-word.ts';
import {
  type DecideWords,
  decideRow,
  listRebuilds,
  promoteRebuild,
  type ShowWords,
  showRebuild,
} from '../rebuild-asked.ts';

import type { ApplyWords, ProposeWords, RollbackWords } from '../rebuild-work.ts';

type Work = typeof import('../rebuild-work.ts');

/** What opens servers and reads mail is loaded by whoever does that, not by whoever looks. */
async function work<T>(doing: (work: Work) => Promise<T>): Promise<T> {
  return await doing(await import('../rebuild-work.ts'));
}

const gathered = (value: string, before: readonly string[]): readonly string[] => [
  ...before,
  value,
];

/** Under `recovery`, which is there already. */
export function addRebuild(program: Command, run: Run): void {
  const recovery = program.commands.find((one) => one.name() === 'recovery') ?? program;
  const rebuild = recovery
    .command('rebuild')
    .description('Rows that a restored copy lacks: proposed, chosen, put in, promoted, taken back')
    .addHelpText(
      'after',
      '\n`rebuild TARGET` is short for `rebuild propose TARGET`: see `rebuild propose --help`.',
    );
  const propose = rebuild
    .command('propose', { isDefault: true })
    .description('Propose what a copy lacks; restores one where none is named')
    .argument('<target>', 'a target with `recovery` in holdfast.yaml')
    .option('--mapping <file>', 'what is known of each column, and from where (YAML)')
    .option(
      '--source <name=file>',
      'an export, a calendar or mail; as often as there are',
      gathered,
      [],
    )
    .option('--copy <folder>', 'the restored copy; restored there when there is none yet')
    .option('--at <time>', 'the moment that the copy stands at (UTC)')
    .option('--vault <name>', 'restore from this vault; without it the first')
    .option(
      '--as-of <time>',
      'restore from the vault as it was then; of a copy that stands its own counts',
    )
    .option('--no-captured', 'without what Holdfast captured itself since')
    .option(
      '--except <item>',
      'an undo item that is not looked at, such as the attack',
      gathered,
      [],
    )
    .addHelpText(
      'after',
      '\nIt proposes, and changes nothing of the live target. Exit code 1 when nothing is READY.\n' +
        'Then: rebuild show, decide, apply, promote; rebuild rollback takes a batch back, and rebuild forget removes the copy.',
    )
    .action((target: string, words: ProposeWords) =>
      run(propose, (context) => work((it) => it.proposeRebuild(context, target, words))),
    );
  onThisMachine(propose);

  const list = rebuild.command('list').description('Rebuilds; newest first');
  list.action(() => run(list, listRebuilds));

  const show = rebuild
    .command('show')
    .description('One rebuild: counts, batches, and its rows of one state')
    .argument('<rebuild>', 'its id (rebuild_…)')
    .option('--state <state>', 'READY, CONFLICT, INCOMPLETE, EXISTS, LEFT_OUT or UNREADABLE')
    .option('--row <key>', 'one row, with every candidate of each cell');
  show.action((id: string, words: ShowWords) =>
    run(show, (context) => showRebuild(context, id, words)),
  );

  addDecide(rebuild, run);

  const apply = rebuild
    .command('apply')
    .description('Put its READY rows into the restored copy, in one transaction, with all checks')
    .argument('<rebuild>', 'its id (rebuild_…)')
    .option(
      '--preview',
      'do all of it, say what came of it, and take it back (as without an option)',
    )
    .option('--apply', 'leave it in the copy')
    .addHelpText('after', '\nThe live target is not changed: that is what `promote` is for.')
    .action((id: string, words: ApplyWords) =>
      run(apply, (context) => work((it) => it.applyRebuild(context, id, words))),
    );
  onThisMachine(apply);

  const promote = rebuild
    .command('promote')
    .description('Propose that what is in the copy goes into the live target; several people sign')
    .argument('<rebuild>', 'its id (rebuild_…)')
    .addHelpText('after', '\nExit code 1: nothing is done before enough people have signed.');
  promote.action((id: string) => run(promote, (context) => promoteRebuild(context, id)));

  const rollback = rebuild
    .command('rollback')
    .description('Take its batch back, wholly: from the copy, or from the live target')
    .argument('<rebuild>', 'its id (rebuild_…)')
    .requiredOption('--from <place>', 'copy or live')
    .option('--keep-changed', 'leave rows that somebody changed since; without it nothing is done')
    .option('--as <name>', 'who says so, for the live target: a person of `holdfast people list`')
    .option('--code <digits>', 'six digits; else asked for without showing it, or read from stdin')
    .action((id: string, words: RollbackWords) =>
      run(rollback, (context: Context) => work((it) => it.rollbackRebuild(context, id, words))),
    );
  onThisMachine(rollback);

  const forget = rebuild
    .command('forget')
    .description('Remove the restored copy that it worked in; the rebuild itself is kept')
    .argument('<rebuild>', 'its id (rebuild_…)')
    .addHelpText('after', '\nNot while its promotion is being signed. It says how much is free.')
    .action((id: string) =>
      run(forget, async (context) =>
        (await import('../rebuild-forget.ts')).forgetRebuild(context, id),
      ),
    );
  onThisMachine(forget);
}

function addDecide(rebuild: Command, run: Run): void {
  const decide = withPerson(
    rebuild
      .command('decide')
      .description('Choose, as a person: what a cell is, or whether a row is put back')
      .argument('<rebuild>', 'its id (rebuild_…)')
      .option('--row <key>', 'which row')
      .option('--cell <column>', 'which cell of it')
      .option('--source <name>', 'take what this source says')
      .option('--option <number>', 'take the candidate of this number (`show --row`)')
      .option('--value <text>', 'take this; never for money')
      .option('--nothing', 'take that there is nothing')
      .option('--accept <reason>', 'this reason of the row was looked at, and does not hold')
      .option('--leave-out', 'the row is not put back')
      .option('--keep', 'the row is put back after all')
      .option('--because <text>', 'why; wanted for money against a payment. Who signs sees it')
      .option('--from <file>', 'many at once: a JSON list of {row, choice}'),
  );
  decide.action((id: string, words: DecideWords) =>
    run(decide, (context) => decideRow(context, id, words)),
  );
}
