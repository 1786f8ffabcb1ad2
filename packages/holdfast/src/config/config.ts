/**
 * What holdfast.yaml says, read once at start: immutable plain data that may be logged, because it
 * holds no secret. Secrets are references (`SecretRef`), resolved where they are used.
 *
 * The order: bytes -> size -> YAML 1.2 core -> shape (zod) -> what only the whole file can tell.
 * All errors are gathered before any is thrown. What it will not do: fill in a guess for a key that
 * was misspelt, read a secret, or look at the network.
 */
import type { EffectKind } from '../model/effect.ts';
import type { EnvironmentLevel } from '../model/target.ts';
import type { NotifyConfig } from './notify-config.ts';
import type { RecoveryConfig, VaultConfig } from './recovery-config.ts';
import type { SecretRef } from './secret-ref.ts';
import type { UpstreamConfig } from './upstream-config.ts';

/** The environment variables of the process, handed in. */
export type Env = Readonly<Record<string, string | undefined>>;

export { SSL_MODES, type SslMode } from './upstream-config.ts';
export type { SecretRef, UpstreamConfig };

export type ListenTls =
  | { readonly kind: 'off' }
  /** A self-signed certificate that Holdfast makes and keeps. */
  | { readonly kind: 'generated' }
  | { readonly kind: 'files'; readonly cert: string; readonly key: string };

export interface TargetConfig {
  readonly name: string;
  readonly protocol: 'postgres';
  readonly environment: string;
  readonly upstream: UpstreamConfig;
  /** Null: what the server says at session start. */
  readonly searchPath: readonly string[] | null;
  /** `schema.name`, or `name` for that function in any schema. */
  readonly functionsAllowed: readonly string[];
  readonly protection: {
    /** As whom Holdfast protects, drains and undoes; null: as the upstream's user. */
    readonly admin: UpstreamConfig | null;
    /** The role that owns what agents create; null: the one that owns most tables. */
    readonly owner: string | null;
    /** Login roles of the application itself: neither captured nor fenced. Declared, never guessed. */
    readonly exempt: readonly string[];
  };
  /** Null: Holdfast takes no recovery points of it. */
  readonly recovery: RecoveryConfig | null;
}

/** One environment of a provider's project, and which of ours it is. */
export interface ProviderPlace {
  /** The target it is: `railway/acme/production`. */
  readonly target: string;
  /** By name or id, as the provider has it. */
  readonly project: string;
  readonly at: string;
  readonly environment: string;
  /** Targets that are the databases of its services, by the service's name. */
  readonly databases: Readonly<Record<string, string>>;
}

/** What the one place of an API is called that only a file describes. */
export const API_PLACE = 'api';

export interface ProviderConfig {
  readonly name: string;
  /** Which sealed credential it is reached with. */
  readonly credential: string;
  readonly kind: 'account' | 'project';
  /** Null: where the provider itself is. */
  readonly url: string | null;
  readonly places: readonly ProviderPlace[];
  /** Of an API that only a file describes; all of it is one place. Null: a provider we know. */
  readonly openapi: {
    readonly path: string;
    readonly rules: readonly { readonly call: string; readonly kind: EffectKind }[];
  } | null;
}

interface EnvironmentConfig {
  readonly name: string;
  readonly level: EnvironmentLevel;
  /** The least number of people that signs any hold here. */
  readonly people: number;
  /** A hold here is void after this. */
  readonly holdLifeMs: number;
  /** What passed here can be undone for this long, and what has no undo waits so long. */
  readonly graceMs: number;
}

/** Where the key lies under which secrets are sealed. */
export type SealKeyConfig =
  /** `seal.key` in the key folder; made when there is none. */
  | { readonly kind: 'kept' }
  /** Put there by somebody else; never made. */
  | { readonly kind: 'file'; readonly path: string }
  /** What a program says when it is run in that folder. */
  | {
      readonly kind: 'command';
      readonly command: readonly [string, ...string[]];
      readonly folder: string;
    };

/** Where people look and decide; the API is there too. */
export interface DashboardConfig {
  /** Null: it does not listen. */
  readonly listen: { readonly host: string; readonly port: number } | null;
  /** The origin that browsers see: passkeys are bound to its name. */
  readonly url: string;
}

/** What an identity provider may make of somebody; an owner is made by an owner. */
export const SSO_ROLES = ['approver', 'operator', 'auditor'] as const;

/** People sign in through an identity provider, too; OpenID Connect. */
export interface OidcConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: SecretRef;
  readonly scopes: readonly string[];
  /** Who comes in without an invitation; all empty: nobody. */
  readonly allow: {
    readonly emails: readonly string[];
    readonly domains: readonly string[];
    readonly groups: readonly string[];
  };
  /** What they may do then. */
  readonly roles: readonly (typeof SSO_ROLES)[number][];
}

export interface Config {
  /** The file, or null when it came as text. Relative paths in it were resolved against its folder. */
  readonly path: string | null;
  readonly listen: {
    readonly host: string;
    readonly port: number;
    readonly tls: ListenTls;
    readonly auth: 'scram' | 'token';
  };
  readonly dashboard: DashboardConfig;
  readonly signIn: { readonly oidc: OidcConfig | null };
  /** With which a scraper reads `/metrics`; null: only who may read metrics does. */
  readonly metrics: { readonly token: SecretRef | null };
  readonly store:
    | { readonly kind: 'embedded'; readonly dataFolder: string }
    | { readonly kind: 'url'; readonly url: SecretRef };
  readonly seal: { readonly key: SealKeyConfig };
  readonly environments: readonly EnvironmentConfig[];
  readonly targets: readonly TargetConfig[];
  /** Where recovery points lie. */
  readonly vaults: readonly VaultConfig[];
  /** Where agents reach providers; listened on only when there are any. */
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Hosts that the forward proxy passes on without looking into it. */
    readonly allow: readonly string[];
  };
  readonly providers: readonly ProviderConfig[];
  /** How old sealed credentials may be. */
  readonly credentials: {
    /** Past it, one is a finding. */
    readonly rotationMs: number;
    /** Past it, one is not used any more; null: it is used all the same. */
    readonly refuseAfterMs: number | null;
  };
  readonly approvals: {
    /** How long a held unit waits on the wire; 0: it is answered at once. */
    readonly holdWaitMs: number;
    readonly holdLifeMs: number;
  };
  /** Who is told of what; without a channel nobody is. */
  readonly notify: NotifyConfig;
  readonly trail: {
    readonly readsWhenUnavailable: 'refuse' | 'forward';
    /** First line of each checkpoint: the name of this trail in the world. */
    readonly origin: string;
  };
  readonly limits: {
    readonly unitBytesMax: number;
    readonly sqlReadBytesMax: number;
    readonly sqlReadMsMax: number;
    readonly vaultFreeBytesMin: number;
    readonly waitingBytesMax: number;
  };
  readonly policy: {
    readonly files: readonly { readonly path: string; readonly text: string }[];
    readonly replaces: readonly string[];
    /** Paths of policy tests. */
    readonly tests: readonly string[];
  };
}
