/** A field with its label, a hint and what is wrong with it, tied together for whoever does not see. */
import { type ComponentProps, type ReactNode, useId } from 'react';

interface Around {
  readonly label: string;
  readonly hint?: string;
  readonly fault?: string | null;
}

function useTies({ hint, fault }: Pick<Around, 'hint' | 'fault'>) {
  const id = useId();
  const describedBy = [hint === undefined ? '' : `${id}-hint`, fault ? `${id}-fault` : '']
    .filter((one) => one !== '')
    .join(' ');
  return { id, ...(describedBy === '' ? {} : { 'aria-describedby': describedBy }) };
}

function Framed({
  id,
  label,
  hint,
  fault,
  children,
}: Around & { readonly id: string; readonly children: ReactNode }): ReactNode {
  return (
    <div className="grid gap-1">
      <label htmlFor={id} className="text-[0.87rem] font-medium">
        {label}
      </label>
      {children}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="text-[0.82rem] text-muted">
          {hint}
        </p>
      )}
      {fault && (
        <p id={`${id}-fault`} role="alert" className="text-[0.87rem] font-medium text-danger">
          {fault}
        </p>
      )}
    </div>
  );
}

type InputProps = Around & Omit<ComponentProps<'input'>, 'id'>;

export function Field({ label, hint, fault, className = '', ...rest }: InputProps): ReactNode {
  const ties = useTies({ ...(hint === undefined ? {} : { hint }), fault: fault ?? null });
  return (
    <Framed
      id={ties.id}
      label={label}
      {...(hint === undefined ? {} : { hint })}
      fault={fault ?? null}
    >
      <input
        autoComplete="off"
        {...rest}
        {...ties}
        aria-invalid={fault ? true : undefined}
        className={`input ${className}`}
      />
    </Framed>
  );
}

type AreaProps = Around & Omit<ComponentProps<'textarea'>, 'id'>;

export function Area({ label, hint, fault, className = '', ...rest }: AreaProps): ReactNode {
  const ties = useTies({ ...(hint === undefined ? {} : { hint }), fault: fault ?? null });
  return (
    <Framed
      id={ties.id}
      label={label}
      {...(hint === undefined ? {} : { hint })}
      fault={fault ?? null}
    >
      <textarea spellCheck={false} {...rest} {...ties} className={`input min-h-24 ${className}`} />
    </Framed>
  );
}

type SelectProps = Around & Omit<ComponentProps<'select'>, 'id'>;

export function Select({ label, hint, children, className = '', ...rest }: SelectProps): ReactNode {
  const ties = useTies({ ...(hint === undefined ? {} : { hint }), fault: null });
  return (
    <Framed id={ties.id} label={label} {...(hint === undefined ? {} : { hint })}>
      <select {...rest} {...ties} className={`input ${className}`}>
        {children}
      </select>
    </Framed>
  );
}

export interface CodeFieldProps {
  readonly value: string;
  /** What was typed, without all that is no digit: apps show a blank in the middle. */
  readonly onCode: (code: string) => void;
}

/** Six digits, as an authenticator app shows them. */
export function CodeField({ value, onCode }: CodeFieldProps): ReactNode {
  return (
    <Field
      label="One-time code"
      inputMode="numeric"
      autoComplete="one-time-code"
      pattern="[0-9]{6}"
      maxLength={6}
      placeholder="000000"
      className="font-mono text-lg tracking-[0.3em]"
      value={value}
      onChange={(event) => onCode(event.target.value.replaceAll(/\D/g, ''))}
    />
  );
}
