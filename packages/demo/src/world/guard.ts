import type { CarRental } from './car-rental.ts';
export interface Links { staging: string; stagingRevoked: string; production: string; desk: string }
export interface Guard {
  readonly host: string; readonly port: number; readonly configPath: string; readonly links: Links;
  admit(rental: CarRental): Promise<Links>;
  countWaiting(ids: ReadonlySet<string>): Promise<number>;
  verifyTrail(): Promise<{ verified: boolean; entries: number }>;
  stop(): Promise<void>;
}
export function startGuard(_folder: string): Promise<Guard> { throw new Error('not yet'); }
