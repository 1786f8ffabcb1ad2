/** What holdfast.yaml says under `notify`: who is told of what, and how. */
import type { Importance, RoutedKind } from '../model/notice-kind.ts';
import type { SecretRef } from './secret-ref.ts';

/** In the file itself, or where it lies. */
export type TextOrRef = { readonly kind: 'literal'; readonly text: string } | SecretRef;

export interface QuietHoursConfig {
  /** Minutes after midnight in that zone. */
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly zone: string;
}

export const MAIL_TLS = ['starttls', 'implicit', 'off'] as const;

export type ChannelWay =
  /** The URL of an incoming webhook is a secret by itself. */
  | { readonly kind: 'slack'; readonly url: SecretRef }
  | {
      readonly kind: 'smtp';
      readonly host: string;
      readonly port: number;
      readonly tls: (typeof MAIL_TLS)[number];
      readonly user: string | null;
      readonly password: SecretRef | null;
      readonly from: string;
      readonly to: readonly string[];
      readonly caFile: string | null;
    }
  | {
      readonly kind: 'ntfy';
      readonly url: TextOrRef;
      readonly topic: TextOrRef;
      readonly token: SecretRef | null;
    }
  | { readonly kind: 'webhook'; readonly url: TextOrRef; readonly secret: SecretRef }
  | { readonly kind: 'web-push'; readonly contact: string };

export interface ChannelConfig {
  readonly name: string;
  readonly way: ChannelWay;
  /** What is needed now in a sealed environment goes out in quiet hours, too. */
  readonly urgent: boolean;
  /** Of its own, or those of all; null: none. */
  readonly quietHours: QuietHoursConfig | null;
}

export interface RouteConfig {
  /** Null: every kind. */
  readonly kinds: readonly RoutedKind[] | null;
  /** Null: any, and what is about none. */
  readonly environments: readonly string[] | null;
  readonly importance: Importance | null;
  readonly to: readonly string[];
  readonly escalate: readonly (readonly string[])[];
}

export interface NotifyConfig {
  readonly channels: readonly ChannelConfig[];
  readonly routes: readonly RouteConfig[];
  readonly escalateAfterMs: number;
  readonly digestEveryMs: number;
}
