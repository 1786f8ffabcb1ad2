/** Opens the rooms for one command and closes them whatever happens, Ctrl-C included. */

import { actRunnersOf, type WithRestores } from '../act-runners.ts';
import { loadConfig } from '../config/load-config.ts';
import { keptNowhere } from '../recovery/restore/restores.ts';
import { Rooms } from '../rooms.ts';
import type { Context } from './command.ts';

export async function withRooms<T>(
  context: Context,
  work: (rooms: Rooms) => Promise<T>,
): Promise<T> {
  const { clock, configPath, env, interrupt, streams } = context;
  const config = loadConfig(configPath, env);
  // Acts are carried out once the rooms are open.
  let open: Rooms | null = null;
  const withRestores: WithRestores = async (work) => {
    if (open === null) throw keptNowhere();
    const { withRestores: over } = await import('./with-restores.ts');
    return over(context, open, work);
  };
  const rooms = await Rooms.open({
    config,
    env,
    clock,
    runners: (rooms) => actRunnersOf(config, env, clock, rooms, withRestores),
    // A first start takes seconds and a person should know why; scripts read stdout only.
    say: (level, message) => {
      if (level === 'warn' || streams.err.isTTY === true)
        streams.err.write(`holdfast: ${message}\n`);
    },
  });
  open = rooms;
  try {
    return await interrupt.race(work(rooms));
  } finally {
    await rooms.close();
  }
}
