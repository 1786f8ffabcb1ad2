/** Nothing could be brought back yet: what to write, and what it will not do by itself. */
import type { ReactNode } from 'react';
import { Panel } from '../../ui/page.tsx';

const YAML = `vaults:
  here:
    kind: local
    folder: /srv/holdfast-vault

targets:
  main-db:
    recovery:
      vaults: [here]
      # holdfast recovery keys
      recipients: [age1…]
      # without it nothing is drilled
      identity: { file: recovery-key.txt }`;

export function HowTo(): ReactNode {
  return (
    <Panel title="How a target comes by recovery">
      <p>
        Make a key pair with <code className="font-mono">holdfast recovery keys</code>, write this
        into holdfast.yaml, and start the gateway again. The database needs{' '}
        <code className="font-mono">wal_level = replica</code> and a role that may replicate.
      </p>
      <section
        aria-label="What to write into holdfast.yaml"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        tabIndex={0}
        className="overflow-auto rounded-lg border border-line bg-sunken p-3"
      >
        <pre className="font-mono text-[0.87rem] leading-relaxed">{YAML}</pre>
      </section>
      <p className="text-[0.9rem] text-muted">
        A local vault is never better than amber: root of that machine, and whoever loses the
        machine, take it too. A vault with Object Lock at another provider can become green.
        docs/recovery.md says how.
      </p>
    </Panel>
  );
}
