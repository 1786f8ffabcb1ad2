/**
 * The built command line, typed often. A command has a process to itself while it runs; when it is done
 * and nothing of it would keep that process alive any longer, the process is kept and takes the next
 * command: starting Node and loading the program costs more than most commands do. Two at once are two
 * processes. They end with the test that started them.
 *
 * It will not run what is to be killed or fed while it runs (`up`, a terminal; standard input is at its
 * end), change what Node reads when it starts (NODE_EXTRA_CA_CERTS), nor stand for main.ts:
 * cli/holdfast.test.ts starts each command as a person does.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface Typed {
  readonly words: readonly string[];
  /** All of its environment. */
  readonly env: NodeJS.ProcessEnv;
  readonly folder?: string;
}

export interface Finished {
  /** Null when the process died of it. */
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

const CHILD = fileURLToPath(new URL('./typed-commands-child.mjs', import.meta.url));
const idle: ChildProcess[] = [];

export function typed({ words, env, folder = process.cwd() }: Typed): Promise<Finished> {
  const child = idle.pop() ?? started();
  return new Promise((done) => {
    let said = '';
    const listen = (chunk: Buffer): void => {
      said += chunk.toString();
    };
    const answered = (finished: Finished): void => {
      leave();
      child.unref();
      child.channel?.unref();
      idle.push(child);
      done(finished);
    };
    const died = (exit: number | null): void => {
      leave();
      done({ exit, out: '', err: said });
    };
    const leave = (): void => {
      child.off('message', answered).off('close', died);
      child.stderr?.off('data', listen);
    };
    child.ref();
    child.channel?.ref();
    child.stderr?.on('data', listen);
    child.once('message', answered).once('close', died);
    child.send({ words, env, folder });
  });
}

function started(): ChildProcess {
  const child = fork(CHILD, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
  child.once('exit', () => {
    const at = idle.indexOf(child);
    if (at >= 0) idle.splice(at, 1);
  });
  return child;
}
