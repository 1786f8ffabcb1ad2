/** A token for an agent: made by the gateway, shown here once, and in no other answer and no cache. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { AgentShown, IssuedToken } from '../../api/agents.ts';
import { ask } from '../../api/client.ts';
import { targetsQuery } from '../../api/queries.ts';
import { oneLine } from '../../lib/visible.ts';
import { Button } from '../../ui/button.tsx';
import { copyText } from '../../ui/copy.ts';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { Select } from '../../ui/field.tsx';
import { Fact, Facts } from '../../ui/page.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';
import { useAttempt } from '../../ui/use-attempt.ts';
import { Choices } from './choices.tsx';

const HOUR_MS = 3_600_000;
/** Up to the 30 days that the gateway gives. */
const LIVES = [
  ['1 hour', HOUR_MS],
  ['8 hours', 8 * HOUR_MS],
  ['1 day', 24 * HOUR_MS],
  ['7 days', 7 * 24 * HOUR_MS],
  ['30 days', 30 * 24 * HOUR_MS],
] as const;

export interface IssueProps {
  readonly agent: AgentShown;
  readonly onClose: () => void;
}

export function IssueDialog({ agent, onClose }: IssueProps): ReactNode {
  const [issued, setIssued] = useState<IssuedToken | null>(null);
  return issued === null ? (
    <AskDialog agent={agent} onClose={onClose} onIssued={setIssued} />
  ) : (
    <OnceDialog issued={issued} onClose={onClose} />
  );
}

interface AskProps extends IssueProps {
  readonly onIssued: (issued: IssuedToken) => void;
}

function AskDialog({ agent, onClose, onIssued }: AskProps): ReactNode {
  const queries = useQueryClient();
  const attempt = useAttempt();
  const { environments: mayIn, targets: mayOn } = agent.effective;
  const places = (useQuery(targetsQuery).data?.environments ?? []).filter(
    ({ name }) => mayIn === null || mayIn.includes(name),
  );
  const [chosen, setChosen] = useState<string | null>(null);
  const [targets, setTargets] = useState<readonly string[]>([]);
  const [lifeMs, setLifeMs] = useState<number>(8 * HOUR_MS);
  const place = places.find(({ name }) => name === chosen) ?? places[0];
  const names = (place?.targets ?? [])
    .map(({ name }) => name)
    .filter((name) => mayOn === null || mayOn.includes(name));
  const issue = async (): Promise<void> => {
    if (place === undefined) return;
    const body = { environment: place.name, targets: [...targets], lifeMs };
    const issued = await ask('agents.issue', { params: { name: agent.name }, body });
    void queries.invalidateQueries({ queryKey: ['agents'] });
    onIssued(issued);
  };
  return (
    <Dialog title={`A token for ${agent.name}`} onClose={onClose}>
      <form
        className="grid gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          void attempt.run(issue);
        }}
      >
        <Select
          label="For"
          value={place?.name ?? ''}
          onChange={(event) => {
            setChosen(event.target.value);
            setTargets([]);
          }}
        >
          {places.map(({ name }) => (
            <option key={name} value={name}>
              {oneLine(name)}
            </option>
          ))}
        </Select>
        <Choices
          label="Opens"
          none="None chosen: every target there that it may."
          all={names.map((name) => ({ name }))}
          chosen={targets}
          onChange={setTargets}
        />
        <Select
          label="Lives"
          hint="Short is better: a new one is a click away."
          value={String(lifeMs)}
          onChange={(event) => setLifeMs(Number(event.target.value))}
        >
          {LIVES.map(([words, ms]) => (
            <option key={ms} value={String(ms)}>
              {words}
            </option>
          ))}
        </Select>
        {attempt.error !== null && <ProblemNote error={attempt.error} />}
        <DialogButtons>
          <Button tone="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" tone="primary" isBusy={attempt.busy} disabled={place === undefined}>
            Issue the token
          </Button>
        </DialogButtons>
      </form>
    </Dialog>
  );
}

interface OnceProps {
  readonly issued: IssuedToken;
  readonly onClose: () => void;
}

function OnceDialog({ issued, onClose }: OnceProps): ReactNode {
  const { bases, opens, text, token, urls } = issued;
  return (
    <Dialog title={`The token of ${token.agent}, this once`} onClose={onClose} wide>
      <p>
        Give it to the agent now: it is shown this once and kept nowhere. Whoever has it is that
        agent.
      </p>
      <Secret label="Token" text={text} />
      {urls.map((url) => (
        <Secret key={url} label="Connection URL" text={url} />
      ))}
      {bases.map((base) => (
        <Secret key={base} label="Instead of the provider, with the token as its own" text={base} />
      ))}
      <Facts>
        <Fact name="opens">
          <Text text={`${token.environment}: ${opens.join(', ') || 'no target yet'}`} />
        </Fact>
        <Fact name="ends">
          <Time at={token.expiresAt} />
        </Fact>
      </Facts>
      <DialogButtons>
        <Button tone="primary" onClick={onClose}>
          Done
        </Button>
      </DialogButtons>
    </Dialog>
  );
}

function Secret({ label, text }: { readonly label: string; readonly text: string }): ReactNode {
  return (
    <div className="grid gap-1">
      <p className="text-[0.87rem] font-medium">{label}</p>
      <div className="flex items-center gap-2">
        <p className="min-w-0 grow rounded-lg bg-sunken p-2.5 font-mono text-[0.85rem] break-all">
          {oneLine(text)}
        </p>
        <Button size="small" onClick={() => void copyText(text)} aria-label={`Copy: ${label}`}>
          Copy
        </Button>
      </div>
    </div>
  );
}
