/** The operator's log: pino; lines for people on a terminal, JSON otherwise. Never an audit source. */
import { type Logger, pino } from 'pino';
import type { Clock } from '../model/clock.ts';
import { paintFor, type Streams } from './print.ts';

export function createLog(stream: Streams['err'], env: Streams['env'], clock: Clock): Logger {
  const timestamp = (): string => `,"time":"${clock.now().toISOString()}"`;
  const options = { level: env['HOLDFAST_LOG'] ?? 'info', base: null, timestamp };
  if (stream.isTTY !== true) return pino(options, { write: (line) => void stream.write(line) });
  const paint = paintFor(stream, env);
  return pino(options, {
    write: (line) => {
      const { time, level, msg } = fieldsOf(line);
      const word = level >= 50 ? paint.red('error ') : level >= 40 ? paint.yellow('warn  ') : '';
      stream.write(`${paint.dim(time.slice(11, 19))}  ${word}${msg}\n`);
    },
  });
}

function fieldsOf(line: string): { time: string; level: number; msg: string } {
  const value: unknown = JSON.parse(line);
  const fields: Record<string, unknown> = Object.fromEntries(Object.entries(value ?? {}));
  const { time, level, msg } = fields;
  return { time: String(time), level: Number(level), msg: String(msg) };
}
