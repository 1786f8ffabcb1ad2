import type { ComponentProps, ReactNode } from 'react';

export type Tone = 'plain' | 'primary' | 'danger' | 'quiet';

const TONES: Readonly<Record<Tone, string>> = {
  plain: 'border border-line-strong bg-surface text-ink hover:bg-sunken',
  primary: 'border border-accent bg-accent text-accent-ink hover:brightness-110',
  danger: 'border border-danger bg-surface text-danger hover:bg-danger-soft',
  quiet: 'border border-transparent text-muted hover:bg-sunken hover:text-ink',
};

export interface ButtonProps extends ComponentProps<'button'> {
  readonly tone?: Tone;
  readonly isBusy?: boolean;
  readonly size?: 'normal' | 'small' | 'large';
}

const SIZES = {
  small: 'min-h-8 px-2.5 text-[0.87rem]',
  normal: 'min-h-10 px-4',
  large: 'min-h-12 px-5 text-[1.05rem]',
} as const;

export function Button({
  tone = 'plain',
  isBusy = false,
  size = 'normal',
  className = '',
  disabled,
  children,
  ...rest
}: ButtonProps): ReactNode {
  return (
    <button
      type="button"
      {...rest}
      disabled={isBusy || disabled === true}
      aria-busy={isBusy}
      className={`inline-flex items-center justify-center gap-2 rounded-lg font-medium transition-[background,filter] disabled:opacity-55 ${SIZES[size]} ${TONES[tone]} ${className}`}
    >
      {isBusy && (
        <span
          aria-hidden="true"
          className="size-3.5 animate-spin rounded-full border-2 border-current border-t-transparent"
        />
      )}
      {children}
    </button>
  );
}
