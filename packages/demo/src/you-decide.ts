/**
 * The last part, for whoever sits at the screen: the agent sends the incident's request once more, so that a
 * hold waits; a link makes the viewer an owner with a passkey of their own; grace, who has to sign, too, signs
 * by command line. In order: send, invite, show grace's phone, say it in lines to copy. It decides nothing.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sendAgain, typedNameOf } from './agent/nine-seconds.ts';
import { bodyOf } from './agent/published-request.ts';
import type { Cleanup, World } from './demo.ts';
import type { Section } from './screen/screen.ts';
import { PRODUCTION, using } from './world/car-rental.ts';
import type { Person } from './world/people.ts';

export interface Yours {
  readonly sections: readonly Section[];
  /** For a browser to open: the link to join by. Null: there is no page to open. */
  readonly open: string | null;
}

const VIEWER = 'you';
const PHONE_LOOK_MS = 1_000;

export async function youDecide(world: World, folder: string, cleanup: Cleanup): Promise<Yours> {
  const { guard, hosting, rental } = world;
  // The card shows the server's own estimate, and that may be of while the rows were gone.
  await using(rental.adminUrl(PRODUCTION), (client) => client.query('analyze'));
  const hold = await sendAgain(hosting.guarded);
  const typed = await typedNameOf(guard.holdfast, hold);
  // Not ada: she has signed more, and a code counts once.
  const [, grace] = guard.team.approvers;
  const codeFile = join(folder, `${grace.name}.code`);
  cleanup.add(layOut(grace, codeFile));
  const approve = `npx holdfast holds approve ${hold} --name ${typed}`;
  const second: Section = {
    title: `Production asks for two people. ${grace.name} is the other, in another terminal, in this folder`,
    lines: [
      `export HOLDFAST_CONFIG='${guard.configPath}'`,
      `${approve} --as ${grace.name} --code "$(cat '${codeFile}')"`,
      `That file stands for ${grace.name}'s phone: the code of this half minute.`,
    ],
  };
  const { links, proxy } = guard;
  const again: Section = {
    title: 'Then the agent may send the same bytes once more',
    lines: [
      `curl -s ${proxy.url}/railway/graphql/v2 -H 'Authorization: Bearer ${links.stagingToken}' -d '${bodyOf(hosting.guarded.railway.volumeId)}'`,
      'It is put off for 48 hours all the same, since nothing takes it back: the dashboard counts down, and you',
      'can cancel it there. Denied instead of approved, it stays denied for these bytes.',
    ],
  };
  const { dashboard } = guard;
  if (dashboard === null || !dashboard.isBuilt) {
    const noPages: Section = {
      title: `The agent has sent the request again: ${hold} waits`,
      lines: [
        'The dashboard was not built, so there is no page to decide on. Stop with Ctrl-C, run',
        '`npm run build`, and start again; or decide by command line, as below.',
        `npx holdfast holds show ${hold}`,
      ],
    };
    return { sections: [noPages, second, again], open: null };
  }
  const link = await dashboard.invite(VIEWER);
  const sections = [
    {
      title: `1. Join as an owner named "${VIEWER}", with a passkey. The link works once, and is shown once`,
      lines: [link],
    },
    {
      title: '2. Decide: the agent has sent the request again, and it waits for you',
      lines: [
        `${dashboard.url}/holds/${hold}`,
        'Its card says what would be deleted, in which environment and how that was found out, how many rows',
        'and which backups die with it, and that nothing takes it back. What you sign is exactly that.',
        `To approve, type ${typed}; to deny, say why.`,
      ],
    },
    { ...second, title: `3. ${second.title}` },
    { ...again, title: `4. ${again.title}` },
  ];
  return { sections, open: link };
}

/** Keeps the code of now in a file that only this user reads; the secret behind it stays in this process. */
function layOut(person: Person, file: string): () => Promise<void> {
  const write = (): void => {
    const next = `${file}.next`;
    writeFileSync(next, `${person.shows()}\n`, { mode: 0o600 });
    // Whoever reads meanwhile gets a whole code.
    renameSync(next, file);
  };
  write();
  const timer = setInterval(() => {
    try {
      write();
    } catch {
      // A full disk spoils a code, and must not end the demo with its servers still up.
    }
  }, PHONE_LOOK_MS);
  return async () => {
    clearInterval(timer);
    rmSync(file, { force: true });
  };
}
