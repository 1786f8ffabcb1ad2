/** The live tokens of an agent: what each opens, when it ends, when and from where it was last used. */
import { type ReactNode, useState } from 'react';
import type { AgentToken } from '../../api/agents.ts';
import { plural } from '../../lib/measures.ts';
import { useMay } from '../../shell/session.ts';
import { Button } from '../../ui/button.tsx';
import { Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';
import { RevokeDialog } from './stop-dialogs.tsx';
import { Unsaid } from './unsaid.tsx';

export function Tokens({ tokens }: { readonly tokens: readonly AgentToken[] }): ReactNode {
  const mayStop = useMay('agents.stop');
  const [revoking, setRevoking] = useState<string | null>(null);
  if (tokens.length === 0)
    return <p className="text-[0.93rem] text-muted">It has no live token, so it cannot get in.</p>;
  return (
    <div className="relative overflow-x-auto">
      <table className="w-full min-w-lg text-left text-[0.9rem]">
        <caption className="pb-1 text-left text-[0.82rem] text-muted">
          {plural(tokens.length, 'live token')}
        </caption>
        <thead className="text-[0.82rem] text-muted">
          <tr>
            <th className="py-1 pr-3 font-medium">opens</th>
            <th className="py-1 pr-3 font-medium">issued</th>
            <th className="py-1 pr-3 font-medium">ends</th>
            <th className="py-1 pr-3 font-medium">last used</th>
            <th className="py-1">
              <span className="sr-only">Revoke</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {tokens.map((token) => (
            <tr key={token.id} className="border-t border-line">
              <th scope="row" className="py-1.5 pr-3 font-normal">
                <Text text={opensWords(token)} />
              </th>
              <td className="py-1.5 pr-3">
                <Time at={token.issuedAt} relative />
              </td>
              <td className="py-1.5 pr-3">
                <Time at={token.expiresAt} relative />
              </td>
              <td className="py-1.5 pr-3">
                <LastUse token={token} />
              </td>
              <td className="py-1.5 text-right">
                {mayStop && (
                  <Button
                    size="small"
                    tone="quiet"
                    onClick={() => setRevoking(token.id)}
                    aria-label={`Revoke the token ${token.id} for ${token.environment}`}
                  >
                    Revoke
                  </Button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {revoking !== null && <RevokeDialog id={revoking} onClose={() => setRevoking(null)} />}
    </div>
  );
}

function opensWords({ environment, targets }: AgentToken): string {
  return `${environment}: ${targets.length === 0 ? 'every target' : targets.join(', ')}`;
}

function LastUse({ token: { lastUse } }: { readonly token: AgentToken }): ReactNode {
  if (lastUse === null) return <Unsaid words="never" />;
  return (
    <>
      <Time at={lastUse.at} relative />{' '}
      <span className="text-muted">
        from <Text text={lastUse.source} /> over <Text text={lastUse.protocol} />
      </span>
    </>
  );
}
