/**
 * A person at a real browser: Debian's Chromium, with a virtual authenticator (WebDriver's, over the
 * DevTools protocol) in place of a finger on a sensor. Each person has a browser context of their own.
 */
import { existsSync } from 'node:fs';
import {
  type Browser,
  type BrowserContext,
  type CDPSession,
  chromium,
  type Page,
} from 'playwright-core';

const CHROMIUM = process.env['HOLDFAST_CHROMIUM'] ?? '/usr/bin/chromium';

/** Null: there is a browser; else why not. */
export function noBrowser(): string | null {
  return existsSync(CHROMIUM)
    ? null
    : `needs Chromium at ${CHROMIUM} (Debian: apt install chromium)`;
}

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--force-prefers-reduced-motion'],
  });
}

export interface AtBrowser {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page complained of: broken scripts, and what the content policy stopped. */
  readonly complaints: readonly string[];
  /** The authenticator stops recognising its owner (a wrong finger), or does again. */
  recognises(isOwner: boolean): Promise<void>;
  close(): Promise<void>;
}

export interface AtBrowserOptions {
  readonly origin: string;
  /** False: a browser without any authenticator. */
  readonly hasAuthenticator?: boolean;
  readonly phone?: boolean;
  readonly dark?: boolean;
}

const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

export async function sitDown(browser: Browser, options: AtBrowserOptions): Promise<AtBrowser> {
  const context = await browser.newContext({
    baseURL: options.origin,
    viewport: options.phone === true ? PHONE : DESKTOP,
    hasTouch: options.phone === true,
    colorScheme: options.dark === true ? 'dark' : 'light',
    timezoneId: 'Europe/Lisbon',
    locale: 'en-GB',
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted Type/i.test(message.text()))
      complaints.push(message.text());
  });
  const devtools = await context.newCDPSession(page);
  const authenticator =
    options.hasAuthenticator === false ? null : await addAuthenticator(devtools);
  return {
    page,
    context,
    complaints,
    recognises: async (isUserVerified) => {
      if (authenticator === null) return;
      await devtools.send('WebAuthn.setUserVerified', {
        authenticatorId: authenticator,
        isUserVerified,
      });
    },
    close: () => context.close(),
  };
}

async function addAuthenticator(devtools: CDPSession): Promise<string> {
  await devtools.send('WebAuthn.enable');
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return authenticatorId;
}
