/** Opens the rooms for one command and closes them whatever happens, Ctrl-C included. */

import { actRunnersOf } from '../act-runners.ts';
import { loadConfig } from '../config/load-config.ts';
import { Rooms } from '../rooms.ts';
import type { Context } from './command.ts';

export async function withRooms<T>(
  context: Context,
  work: (rooms: Rooms) => Promise<T>,
): Promise<T> {
  const { clock, configPath, env, interrupt, streams } = context;
  const config = loadConfig(configPath, env);
  const rooms = await Rooms.open({
    config,
    env,
    clock,
    runners: (rooms) => actRunnersOf(config, env, clock, rooms),
    // A first start takes seconds and a person should know why; scripts read stdout only.
    say: (level, message) => {
      if (level === 'warn' || streams.err.isTTY === true)
        streams.err.write(`holdfast: ${message}\n`);
    },
  });
  try {
    return await interrupt.race(work(rooms));
  } finally {
    await rooms.close();
  }
}
