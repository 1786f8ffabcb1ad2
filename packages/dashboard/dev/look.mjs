/**
 * Looks at every page of what was built, by the stand-in: pictures in light and dark, on a desktop and a
 * phone, and what axe finds. `node dev/look.mjs <folder> [page ...]`; exits 1 for a serious finding, a
 * fault in the console, or a page that is wider than its screen.
 *
 * CHROMIUM says where the browser is (default /usr/bin/chromium).
 */
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { preview } from 'vite';

const [folder = 'look', ...wanted] = process.argv.slice(2);
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const PAGES = {
  now: '/',
  holds: '/holds',
  proposals: '/holds?show=proposals',
  hold: '/holds/hold_0000000000000000',
  'hold-sql': '/holds/hold_0000000000000001',
  'hold-nasty': '/holds/hold_0000000000000003',
  'hold-denied': '/holds/hold_0000000000000004',
  undo: '/undo',
  waiting: '/undo?show=waiting',
  trail: '/trail',
  entry: '/trail?at=128400',
  targets: '/targets',
  agents: '/agents',
  people: '/people',
  policy: '/policy',
  try: '/policy?show=try',
  backtest: '/policy?show=backtest',
  account: '/account',
  device: '/device',
  join: '/join#secret',
  missing: '/nowhere',
};
/** What is pressed once the page is there: a button by its name, or a key. */
const DIALOGS = {
  'dialog-undo': ['/undo', 'Take back …'],
  'dialog-verify': ['/trail', 'Verify'],
  'dialog-deny': ['/holds/hold_0000000000000001', 'Deny'],
  'dialog-code': ['/holds/hold_0000000000000001', 'Approve by one-time code'],
  'dialog-failed': ['/holds/hold_0000000000000001', 'Approve by passkey'],
  'dialog-pause': ['/holds/hold_0000000000000000', 'Pause this agent'],
  'dialog-agent': ['/agents', 'Add an agent'],
  'dialog-edit-agent': ['/agents', 'Edit'],
  'dialog-issue': ['/agents', 'Issue a token'],
  'dialog-issued': ['/agents', 'Issue a token', 'Issue the token'],
  'dialog-invite': ['/people', 'Invite a person'],
  'dialog-try': ['/policy?show=try', 'SQL', 'What would happen?'],
  'dialog-backtest': ['/policy?show=backtest', 'Backtest'],
  'dialog-palette': ['/', 'key Control+k'],
  'dialog-shortcuts': ['/', 'key ?'],
};
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

process.env['HOLDFAST_STAND_IN'] = '1';
const server = await preview({ preview: { port: 0, strictPort: false }, logLevel: 'error' });
const origin = server.resolvedUrls?.local[0]?.replace(/\/$/, '') ?? '';
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
mkdirSync(folder, { recursive: true });
let faults = 0;
for (const [size, viewport] of Object.entries(SIZES)) {
  for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
    const context = await browser.newContext({ viewport, colorScheme, bypassCSP: false });
    const all = { ...PAGES, ...DIALOGS };
    for (const [name, place] of Object.entries(all)) {
      const [path, ...presses] = [place].flat();
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      const page = await context.newPage();
      page.on('console', (message) => {
        if (message.type() === 'error' && !/404|409|favicon/.test(message.text()))
          fault(name, size, message.text());
      });
      page.on('pageerror', (error) => fault(name, size, String(error)));
      await page.goto(`${origin}${path}`);
      await page.waitForTimeout(700);
      for (const press of presses) await pressed(page, press);
      if (presses.length > 0) await page.waitForTimeout(presses.includes('Verify') ? 1800 : 500);
      await page.screenshot({
        path: `${folder}/${name}-${size}-${colorScheme}.png`,
        fullPage: presses.length === 0 && name !== 'holds' && name !== 'trail' && name !== 'undo',
      });
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - window.innerWidth,
      );
      if (overflow > 0) fault(name, size, `the page is ${overflow}px wider than the screen`);
      for (const finding of await axe(context, page))
        fault(name, `${size} ${colorScheme}`, finding);
      await page.close();
    }
    await context.close();
  }
}
await browser.close();
await server.close();
console.log(faults === 0 ? 'nothing serious' : `${faults} faults`);
process.exit(faults === 0 ? 0 : 1);

async function pressed(page, what) {
  if (what === 'SQL') await page.getByLabel('SQL').fill('DROP TABLE customers');
  else if (what.startsWith('key ')) await page.keyboard.press(what.slice(4));
  else
    await page
      .getByRole('button', { name: what, exact: what === 'Deny' ? false : undefined })
      .first()
      .click();
}

/** By the debugger's own evaluation, which the page's policy does not bind. */
async function axe(context, page) {
  const { readFileSync } = await import('node:fs');
  const session = await context.newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: readFileSync(AXE, 'utf8') });
  const { result } = await session.send('Runtime.evaluate', {
    expression:
      'axe.run(document, { resultTypes: ["violations"] }).then((r) => JSON.stringify(r.violations.map((v) => ({ impact: v.impact, id: v.id, nodes: v.nodes.map((n) => n.html.slice(0, 160) + " | " + (n.any[0]?.message ?? "")) }))))',
    awaitPromise: true,
    returnByValue: true,
  });
  const violations = JSON.parse(result.value ?? '[]');
  return violations
    .filter(
      ({ impact }) => process.env['ALL'] === '1' || impact === 'serious' || impact === 'critical',
    )
    .map(({ impact, id, nodes }) => `axe ${impact} ${id}: ${nodes.slice(0, 3).join(' ;; ')}`);
}

function fault(name, size, words) {
  faults += 1;
  console.log(`${name} ${size}: ${words}`);
}
