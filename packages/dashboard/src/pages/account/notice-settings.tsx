/** Who is told of what, as holdfast.yaml says it: to read here, and to change there. */
import { useQuery } from '@tanstack/react-query';
import { Fragment, type ReactNode } from 'react';
import type { Answer } from '../../api/client.ts';
import { notificationsQuery } from '../../api/queries.ts';
import { spanWords } from '../../lib/times.ts';
import { useMay } from '../../shell/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Loaded } from '../../ui/loading.tsx';
import { Panel } from '../../ui/page.tsx';
import { Text } from '../../ui/text.tsx';

type Settings = Answer<'notifications.show'>;
type Channel = Settings['channels'][number];
type Route = Settings['routes'][number];

export function NoticeSettings(): ReactNode {
  const may = useMay('notifications.read');
  const query = useQuery({ ...notificationsQuery, enabled: may });
  if (!may) return null;
  return (
    <Panel title="How notices go">
      <Loaded query={query} what="the settings">
        {(settings) => (settings.channels.length === 0 ? <Nobody /> : <Shown of={settings} />)}
      </Loaded>
    </Panel>
  );
}

function Nobody(): ReactNode {
  return (
    <p className="text-muted">
      No channel is declared, so nobody is told of anything: people look at what waits by
      themselves. Whoever runs Holdfast adds channels under <code>notify</code> in holdfast.yaml
      (Slack, mail, ntfy, a webhook, browsers) and tries them with <code>holdfast notify test</code>
      .
    </p>
  );
}

function Shown({ of: settings }: { readonly of: Settings }): ReactNode {
  const { channels, digestEveryMs, escalateAfterMs, routes } = settings;
  const escalates = routes.some(({ escalate }) => escalate.length > 0);
  return (
    <>
      <p className="text-muted">
        Set in holdfast.yaml by whoever runs Holdfast, under the names beside each; nothing of it is
        changed here.
      </p>
      <dl className="grid gap-3">
        {channels.map((channel) => (
          <Setting key={channel.name} path={`notify.channels.${channel.name}`}>
            <ChannelWords of={channel} />
          </Setting>
        ))}
        {routes.map((route, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a route has no name but its place
          <Setting key={index} path={`notify.routes[${index}]`}>
            <RouteWords of={route} />
          </Setting>
        ))}
        <Setting path="notify.escalateAfter">
          {escalates
            ? `When nobody has answered after ${spanWords(escalateAfterMs)}, the next are told.`
            : 'Nobody else is told when nobody answers: no route says who is next.'}
        </Setting>
        <Setting path="notify.digestEvery">
          What can wait is gathered, and goes out every {spanWords(digestEveryMs)}.
        </Setting>
      </dl>
    </>
  );
}

function Setting({
  children,
  path,
}: {
  readonly path: string;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <div className="min-w-0">
      <dt className="font-mono text-[0.8rem] break-all text-muted">{path}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const KINDS: Readonly<Record<Channel['kind'], string>> = {
  slack: 'Slack, by a secret address',
  smtp: 'Mail',
  ntfy: 'ntfy',
  webhook: 'A signed webhook',
  'web-push': 'Browsers that people turned it on in',
};

function ChannelWords({ of: channel }: { readonly of: Channel }): ReactNode {
  const { host, kind, quietHours, urgent } = channel;
  return (
    <>
      {KINDS[kind]}
      {host !== null && (
        <>
          {kind === 'smtp' ? ' by ' : ' at '}
          <Text text={host} className="font-mono text-[0.9rem] break-all" />
        </>
      )}
      {quietHours === null
        ? ', at any hour.'
        : `, silent from ${quietHours.from} to ${quietHours.to} (${quietHours.zone})${
            urgent ? ', but for what is needed now in a sealed environment.' : '.'
          }`}{' '}
      {urgent && quietHours !== null && <Badge tone="accent">urgent</Badge>}
    </>
  );
}

const IMPORTANCES: Readonly<Record<NonNullable<Route['importance']>, string>> = {
  now: ', as needed now',
  soon: ', as worth a look today',
  digest: ', gathered',
};

function RouteWords({ of: route }: { readonly of: Route }): ReactNode {
  const { environments, escalate, importance, kinds, to } = route;
  return (
    <>
      {kinds === null ? 'Everything' : <Names of={kinds} />}
      {environments !== null && (
        <>
          {' in '}
          <Names of={environments} />
        </>
      )}
      {' goes to '}
      <Names of={to} />
      {importance !== null && IMPORTANCES[importance]}
      {escalate.length > 0 && (
        <>
          {'; when nobody answers, to '}
          {escalate.map((list, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lists are told by their order
            <Fragment key={index}>
              {index > 0 && ', then to '}
              <Names of={list} />
            </Fragment>
          ))}
        </>
      )}
      .
    </>
  );
}

function Names({ of: names }: { readonly of: readonly string[] }): ReactNode {
  return names.map((name, index) => (
    <Fragment key={name}>
      {index > 0 && (index === names.length - 1 ? ' and ' : ', ')}
      <Text text={name} className="font-medium" />
    </Fragment>
  ));
}
