/** The two ways to prove who one is, being set up: a passkey, or an authenticator app. */
import { type ReactNode, useState } from 'react';
import { Button } from './button.tsx';
import { copyText } from './copy.ts';
import { CodeField, Field } from './field.tsx';
import { Qr } from './qr.tsx';

export interface PasskeyFormProps {
  readonly busy: boolean;
  /** False: something else has to be said first. */
  readonly isReady?: boolean;
  readonly onLabel: (label: string) => void;
}

export function PasskeyForm({ busy, isReady = true, onLabel }: PasskeyFormProps): ReactNode {
  const [label, setLabel] = useState(deviceName());
  return (
    <form
      className="grid gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        onLabel(label.trim());
      }}
    >
      <Field
        label="Name of this passkey"
        hint="So that you know it in a list."
        maxLength={80}
        value={label}
        onChange={(event) => setLabel(event.target.value)}
      />
      <Button
        type="submit"
        tone="primary"
        size="large"
        isBusy={busy}
        disabled={!isReady || label.trim() === ''}
      >
        Make a passkey
      </Button>
    </form>
  );
}

/** A guess, for people to change. */
function deviceName(): string {
  const agent = navigator.userAgent;
  const found = [
    [/iPhone/, 'iPhone'],
    [/iPad/, 'iPad'],
    [/Android/, 'Android phone'],
    [/Mac OS X/, 'Mac'],
    [/Windows/, 'Windows computer'],
  ] as const;
  return found.find(([pattern]) => pattern.test(agent))?.[1] ?? 'this computer';
}

export interface CodesFormProps {
  readonly uri: string;
  readonly busy: boolean;
  readonly onCode: (code: string) => void;
}

export function CodesForm({ uri, busy, onCode }: CodesFormProps): ReactNode {
  const [code, setCode] = useState('');
  const secret = new URLSearchParams(uri.split('?')[1] ?? '').get('secret') ?? '';
  return (
    <form
      className="grid gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        onCode(code);
      }}
    >
      <p className="text-[0.93rem] text-muted">
        Scan this with an authenticator app, then type the code it shows.
      </p>
      <Qr text={uri} label="QR code for an authenticator app" />
      <details className="text-[0.87rem]">
        <summary className="text-muted">I cannot scan it</summary>
        <p className="mt-1 font-mono break-all">{secret.replaceAll(/(.{4})/g, '$1 ')}</p>
      </details>
      <CodeField value={code} onCode={setCode} />
      <Button type="submit" tone="primary" isBusy={busy} disabled={code.length !== 6}>
        Use this app
      </Button>
    </form>
  );
}

export interface RecoveryCodesProps {
  readonly codes: readonly string[];
  readonly onDone: () => void;
}

/** Shown once. */
export function RecoveryCodes({ codes, onDone }: RecoveryCodesProps): ReactNode {
  const [kept, setKept] = useState(false);
  return (
    <div className="grid gap-3">
      <p>
        Each of these lets you in once, when your passkey and your app are gone. They are shown this
        once; keep them where your devices are not.
      </p>
      <ol className="grid grid-cols-2 gap-x-4 gap-y-1 rounded-lg bg-sunken p-3 font-mono text-[0.95rem]">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ol>
      <Button onClick={() => void copyText(codes.join('\n'))}>Copy them</Button>
      <label className="flex items-center gap-2">
        <input
          type="checkbox"
          className="size-4"
          checked={kept}
          onChange={(event) => setKept(event.target.checked)}
        />
        I keep them somewhere safe.
      </label>
      <Button tone="primary" disabled={!kept} onClick={onDone}>
        Go on
      </Button>
    </div>
  );
}
