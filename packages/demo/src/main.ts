/**
 * `npm start`: an agent destroys a real database, unguarded and guarded, side by side; then
 * everything stays up until Ctrl-C, with the incident's request waiting on the dashboard for whoever sits here.
 *
 *     --once     run, print what is left, exit: 0 when the guarded database kept everything
 *     --json     with --once: exactly one JSON object on stdout, nothing else
 *     --no-open  stay up, and open no browser (as HOLDFAST_NO_BROWSER=1 says, too)
 *
 * Exit codes: 0 well, 1 something promised was not kept, 2 an option was not understood, 3 a server did
 * not start, 70 a fault.
 */
import { join } from 'node:path';
import { HoldfastError } from 'holdfast';
import { byHand } from './by-hand.ts';
import { buildWorld, Cleanup, runDemo } from './demo.ts';
import { hasScreen, openBrowser } from './open-browser.ts';
import { shortfalls } from './report.ts';
import { Screen } from './screen/screen.ts';
import { stopwatch } from './stopwatch.ts';
import { takePlace } from './world/leftovers.ts';
import { youDecide } from './you-decide.ts';

interface Options {
  readonly once: boolean;
  readonly json: boolean;
  readonly opens: boolean;
}

const OPTIONS: readonly string[] = ['--once', '--json', '--no-open'];

function readOptions(words: readonly string[]): Options | null {
  if (words.some((word) => !OPTIONS.includes(word))) return null;
  return {
    once: words.includes('--once') || words.includes('--json'),
    json: words.includes('--json'),
    opens: !words.includes('--no-open'),
  };
}

const SILENT = { write: () => true };

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === null) {
    process.stderr.write('Usage: npm start -- [--once] [--json] [--no-open]\n');
    return 2;
  }
  const seconds = stopwatch();
  const screen = new Screen(options.json ? SILENT : process.stdout);
  const cleanup = new Cleanup();
  const interrupted = onInterrupt();
  const place = takePlace(join(process.cwd(), '.holdfast'));
  cleanup.add(async () => place.leave());
  try {
    screen.title();
    for (const note of place.notes) screen.note(note);
    const world = await interrupted.race(buildWorld(place.folder, screen, cleanup, !options.once));
    const pace = options.once || !process.stdout.isTTY ? noPause : pause;
    const { report, rows } = await interrupted.race(runDemo(world, screen, pace, seconds));
    screen.result(report, rows);
    if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    if (!options.once) {
      screen.sections('Try it by hand', byHand(world));
      const yours = await interrupted.race(youDecide(world, place.folder, cleanup));
      screen.sections('Now you decide', yours.sections);
      screen.staysUp();
      if (options.opens && yours.open !== null && hasScreen(process)) openBrowser(yours.open);
      await interrupted.happened;
    }
    return shortfalls(report).length === 0 ? 0 : 1;
  } catch (error) {
    if (error instanceof Interrupted) return 0;
    throw error;
  } finally {
    if (!options.once) screen.goodbye();
    await cleanup.run();
  }
}

class Interrupted extends Error {}

/** Ctrl-C ends the run in good order; a second one ends it at once. */
function onInterrupt(): { happened: Promise<void>; race<T>(work: Promise<T>): Promise<T> } {
  let tell: () => void = () => {};
  let times = 0;
  const happened = new Promise<void>((done) => {
    tell = done;
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      times += 1;
      if (times > 1) process.exit(130);
      tell();
    });
  }
  // Nobody reads any more (`| head`): the same as Ctrl-C, so that no server stays.
  process.stdout.on('error', () => tell());
  return {
    happened,
    race: (work) =>
      Promise.race([
        work,
        happened.then(() => {
          // What is under way fails as its servers stop; nobody waits for its answer any more.
          work.catch(() => {});
          throw new Interrupted('stopped by the person');
        }),
      ]),
  };
}

const noPause = async (): Promise<void> => {};
const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    if (error instanceof HoldfastError) {
      const { code, expected, found, hint } = error;
      process.stderr.write(`${code}: expected ${expected}, found ${found}.\n  ${hint}\n`);
      process.exitCode = 3;
      return;
    }
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exitCode = 70;
  },
);
