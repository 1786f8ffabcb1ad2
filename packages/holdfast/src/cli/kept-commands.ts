/** What is kept for people to decide (holds, proposals, deferrals) is listed and shown by the same commands. */
import type { Command } from 'commander';
import type { Context, Run } from './command.ts';
import type { Answer } from './print.ts';

export interface Kept {
  /** One of them: `hold`; its ids are `hold_…`. */
  readonly one: string;
  readonly list: string;
  readonly all: string;
  readonly show: string;
  readonly onList: (context: Context, all: boolean) => Promise<Answer>;
  readonly onShow: (context: Context, id: string) => Promise<Answer>;
}

export function addListAndShow(group: Command, run: Run, kept: Kept): void {
  const list = group
    .command('list', { isDefault: true })
    .description(kept.list)
    .option('--all', kept.all)
    .action((options: { readonly all?: boolean }) =>
      run(list, (context) => kept.onList(context, options.all === true)),
    );

  const show = group
    .command('show')
    .description(kept.show)
    .argument(`<${kept.one}>`, `its id (${kept.one}_…)`)
    .action((id: string) => run(show, (context) => kept.onShow(context, id)));
}
