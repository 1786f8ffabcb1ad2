/**
 * A one-time code proves who it is, not what they looked at: so whoever gives one says that they compared the
 * words. What the words are stands before it, each page in its own way.
 */
import { type ReactNode, useState } from 'react';
import { CodeField } from './field.tsx';

export interface ComparedCode {
  readonly code: string;
  readonly setCode: (code: string) => void;
  readonly compared: boolean;
  readonly setCompared: (compared: boolean) => void;
  /** All six digits, and the words compared. */
  readonly isComplete: boolean;
}

export function useComparedCode(): ComparedCode {
  const [code, setCode] = useState('');
  const [compared, setCompared] = useState(false);
  return { code, setCode, compared, setCompared, isComplete: code.length === 6 && compared };
}

export function ComparedCodeFields({ given }: { readonly given: ComparedCode }): ReactNode {
  const { code, compared, setCode, setCompared } = given;
  return (
    <>
      <label className="flex items-start gap-2">
        <input
          type="checkbox"
          className="mt-1 size-4"
          checked={compared}
          onChange={(event) => setCompared(event.target.checked)}
        />
        <span>I compared the words, and they are the same.</span>
      </label>
      <CodeField value={code} onCode={setCode} />
    </>
  );
}
