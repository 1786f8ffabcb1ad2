/** Adds a passkey or an authenticator app to whoever is signed in. */
import { type ReactNode, useState } from 'react';
import { type Answer, ask } from '../../api/client.ts';
import { makePasskey } from '../../passkeys.ts';
import { Button } from '../../ui/button.tsx';
import { CodesForm, PasskeyForm } from '../../ui/enrol.tsx';
import { ProblemNote } from '../../ui/problem.tsx';
import { Tabs } from '../../ui/tabs.tsx';
import { say } from '../../ui/toast.tsx';
import { useAttempt } from '../../ui/use-attempt.ts';

export function AddWays({ onAdded }: { readonly onAdded: () => void }): ReactNode {
  const { busy, error, run } = useAttempt();
  const [way, setWay] = useState<'passkey' | 'codes'>('passkey');
  const [offer, setOffer] = useState<Answer<'self.codes.begin'> | null>(null);
  const addPasskey = async (label: string): Promise<void> => {
    const { ceremony, options } = await ask('self.passkeys.begin');
    const response = await makePasskey(options);
    await ask('self.passkeys.add', { body: { ceremony, label, response } });
    say('The passkey was added.');
    onAdded();
  };
  const addCodes = async (code: string): Promise<void> => {
    if (offer === null) return;
    await ask('self.codes.add', { body: { ceremony: offer.ceremony, code } });
    setOffer(null);
    say('The authenticator app was added.');
    onAdded();
  };
  return (
    <div>
      {error !== null && <ProblemNote error={error} />}
      <Tabs
        label="Ways to sign in"
        value={way}
        onChange={setWay}
        tabs={[
          { id: 'passkey', label: 'Passkey' },
          { id: 'codes', label: 'Authenticator app' },
        ]}
      >
        {way === 'passkey' && (
          <PasskeyForm busy={busy} onLabel={(label) => void run(() => addPasskey(label))} />
        )}
        {way === 'codes' && offer === null && (
          <Button
            isBusy={busy}
            onClick={() => void run(async () => setOffer(await ask('self.codes.begin')))}
          >
            Show the QR code
          </Button>
        )}
        {way === 'codes' && offer !== null && (
          <CodesForm
            uri={offer.uri}
            busy={busy}
            onCode={(code) => void run(() => addCodes(code))}
          />
        )}
      </Tabs>
    </div>
  );
}
