/** Where a browser is opened, and where it is not. */
import { describe, expect, it } from 'vitest';
import { hasScreen, openerOf } from '../src/open-browser.ts';

const SEAT = { platform: 'linux', env: { DISPLAY: ':0' }, stdout: { isTTY: true } };

describe('a browser is opened', () => {
  it.each([
    ['at a desktop', SEAT],
    ['at a desktop without X', { ...SEAT, env: { WAYLAND_DISPLAY: 'wayland-0' } }],
    ['on a Mac, which names no display', { ...SEAT, platform: 'darwin', env: {} }],
    ['where CI is empty', { ...SEAT, env: { DISPLAY: ':0', CI: '' } }],
  ])('%s', (_story, seat) => {
    expect(hasScreen(seat)).toBe(true);
  });
});

describe('no browser is opened', () => {
  it.each([
    ['into a pipe', { ...SEAT, stdout: {} }],
    ['without a display', { ...SEAT, env: {} }],
    ['in CI', { ...SEAT, env: { DISPLAY: ':0', CI: 'true' } }],
    ['where somebody said no', { ...SEAT, env: { DISPLAY: ':0', HOLDFAST_NO_BROWSER: '1' } }],
    ['over ssh', { ...SEAT, env: { DISPLAY: ':10', SSH_CONNECTION: '192.0.2.1 1 192.0.2.2 22' } }],
  ])('%s', (_story, seat) => {
    expect(hasScreen(seat)).toBe(false);
  });
});

describe('the program that opens it', () => {
  it.each(['linux', 'darwin', 'win32'])('gets the URL as it is, as one word (%s)', (platform) => {
    const url = 'http://localhost:7070/join#hfi_a&b';
    expect(openerOf(platform, url).at(-1)).toBe(url);
  });
});
