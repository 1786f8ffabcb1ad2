import type { Command } from 'commander';
import { type Notice, testNotice } from '../../approvals/notice.ts';
import type { ChannelLine, DeliveryEnd, FailureLine } from '../../approvals/notice-store.ts';
import { HoldfastError } from '../../model/errors.ts';
import { newId } from '../../model/ids.ts';
import { nearest } from '../../model/nearest.ts';
import type { Rooms } from '../../rooms.ts';
import { type Context, NO, type Run } from '../command.ts';
import { type Answer, cut, oneLine, table, when } from '../print.ts';
import { withRooms } from '../with-rooms.ts';

const FAILURES_SHOWN = 20;
const REASON_CHARS = 72;

export function addNotify(program: Command, run: Run): void {
  const notify = program
    .command('notify')
    .description('Who is told of holds and signals, and how that goes');

  const list = notify
    .command('list', { isDefault: true })
    .description('Channels, their last delivery, and what could not be delivered')
    .action(() => run(list, listChannels));

  const test = notify
    .command('test')
    .description('Send a test notice now, by one channel or by all; quiet hours do not count')
    .argument('[channel]', 'its name in holdfast.yaml; all of them when left out')
    .action((channel: string | undefined) =>
      run(test, (context) => testChannels(context, channel ?? null)),
    );
}

async function listChannels(context: Context): Promise<Answer> {
  const { channels, failures } = await withRooms(context, async (rooms) => ({
    channels: channelLines(rooms, await rooms.noticeStore.lines()),
    failures: await rooms.noticeStore.failures(FAILURES_SHOWN),
  }));
  return {
    json: { channels, failures },
    lines: (paint) => {
      if (channels.length === 0) {
        return ['No channel is declared: nobody is told. See notify in holdfast.example.yaml.'];
      }
      const rows = channels.map((one) => [
        one.channel,
        one.kind ?? 'not in holdfast.yaml any more',
        one.lastSentAt === null ? 'never' : when(one.lastSentAt),
        String(one.sent),
        String(one.waiting),
        one.failed === 0 ? '0' : paint.red(String(one.failed)),
      ]);
      const header = ['channel', 'kind', 'last delivery', 'sent', 'waiting', 'failed'];
      return [...table(header, rows, paint), ...failureLines(failures, paint)];
    },
  };
}

function failureLines(
  failures: readonly FailureLine[],
  paint: Parameters<Answer['lines']>[0],
): string[] {
  if (failures.length === 0) return [];
  const rows = failures.map(({ at, channel, reason, state, title, tries }) => [
    when(at),
    channel,
    state === 'failed' ? 'given up' : `tried ${tries} times, goes on`,
    oneLine(title),
    cut(oneLine(reason), REASON_CHARS),
  ]);
  return ['', ...table(['when', 'channel', '', 'notice', 'why'], rows, paint)];
}

/** Those of the file, and those that were in it. */
function channelLines(rooms: Rooms, known: readonly ChannelLine[]) {
  const { channels } = rooms.config.notify;
  const names = new Set([...channels.map(({ name }) => name), ...known.map((one) => one.channel)]);
  return [...names].map((name) => ({
    kind: channels.find((one) => one.name === name)?.way.kind ?? null,
    ...(known.find((one) => one.channel === name) ?? {
      channel: name,
      lastSentAt: null,
      waiting: 0,
      sent: 0,
      failed: 0,
    }),
  }));
}

async function testChannels(context: Context, name: string | null): Promise<Answer> {
  const tried = await withRooms(context, async (rooms) => {
    const { clock, env } = context;
    // Mail and web push are not loaded for every other command.
    const { channelsOf } = await import('../../notifying.ts');
    const channels = channelsOf(rooms, env, clock);
    const chosen = channels.filter((one) => name === null || one.name === name);
    if (chosen.length === 0)
      throw noSuch(
        name,
        channels.map((one) => one.name),
      );
    return await Promise.all(
      chosen.map(async (channel) => {
        const id = newId('notice', clock);
        const at = clock.now();
        const notice: Notice = testNotice(id, channel.name, at, rooms.config.dashboard.url);
        const sent = await channel.send(notice, new AbortController().signal);
        const end: DeliveryEnd =
          sent.kind === 'delivered' ? { kind: 'sent' } : { kind: 'failed', reason: sent.reason };
        await rooms.noticeStore.enter(notice, channel.name, end, clock.now());
        return {
          channel: channel.name,
          kind: channel.kind,
          delivered: sent.kind === 'delivered',
          reason: sent.kind === 'delivered' ? null : sent.reason,
        };
      }),
    );
  });
  return {
    json: { tried },
    lines: (paint) =>
      tried.map(({ channel, delivered, reason }) =>
        delivered
          ? `${channel}: ${paint.green('taken')}`
          : `${channel}: ${paint.red('not taken')}: ${oneLine(reason ?? '')}`,
      ),
    ...(tried.every(({ delivered }) => delivered) ? {} : { exit: NO }),
  };
}

function noSuch(name: string | null, names: readonly string[]): HoldfastError {
  const near = name === null ? null : nearest(name, names);
  return new HoldfastError('HF_NOT_FOUND', {
    expected: names.length === 0 ? 'a channel in holdfast.yaml' : `one of ${names.join(', ')}`,
    found: name === null ? 'none' : oneLine(name),
    hint: near === null ? 'Declare it under notify.channels.' : `Did you mean ${near}?`,
  });
}
