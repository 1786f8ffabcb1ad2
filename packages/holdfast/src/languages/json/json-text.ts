/**
 * JSON as everybody reads it, or "could not tell". Two parsers of the same bytes may differ where a key
 * stands twice, where the bytes are no UTF-8, and where nesting ends one of them: such a text is not
 * read. What is left means the same to all.
 *
 * What it will not do: mend. A text with a byte order mark or a comment is no JSON.
 */
import { isUtf8 } from 'node:buffer';
import type { CouldNotTell } from '../../model/effect.ts';
import { messageOf } from '../../model/errors.ts';

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

export type JsonText =
  | { readonly kind: 'json'; readonly value: Json }
  | { readonly kind: 'could-not-tell'; readonly reason: CouldNotTell };

/** Never throws. Bounded by `depthMax` levels; the caller bounds the bytes. */
export function readJson(bytes: Uint8Array, depthMax: number): JsonText {
  if (!isUtf8(bytes)) return unread('invalid-utf8', 'Expected UTF-8, found other bytes.');
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return readJsonText(text, depthMax);
}

export function readJsonText(text: string, depthMax: number): JsonText {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const found = messageOf(error);
    return unread('syntax-error', `Expected JSON, found: ${found}.`);
  }
  if (keysIn(value, depthMax) === colonsBehindQuotes(text)) return { kind: 'json', value };
  const fault = faultIn(text, depthMax);
  return fault === null ? { kind: 'json', value } : { kind: 'could-not-tell', reason: fault };
}

export function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const QUOTE = 34;
const COLON = 58;
const BACKSLASH = 92;

/**
 * Of the parsed value; a key that stood twice is there once. NaN: it is deeper than that.
 *
 * Every member of an object in the text has a colon behind a quote, and a string may hold more of those.
 * So where there are no more of them than keys, no key stood twice, and the text need not be gone through.
 */
function keysIn(value: Json, depthMax: number): number {
  if (typeof value !== 'object' || value === null) return 0;
  if (depthMax === 0) return Number.NaN;
  const inside = Object.values(value);
  let keys = Array.isArray(value) ? 0 : inside.length;
  for (const one of inside) keys += keysIn(one, depthMax - 1);
  return keys;
}

function colonsBehindQuotes(text: string): number {
  let count = 0;
  for (let at = text.indexOf(':'); at >= 0; at = text.indexOf(':', at + 1)) {
    let before = at - 1;
    while (isSpace(text.charCodeAt(before))) before -= 1;
    if (text.charCodeAt(before) === QUOTE) count += 1;
  }
  return count;
}

/**
 * One pass over a text that JSON.parse has accepted: it needs to know strings, brackets and which
 * strings are keys, nothing else.
 */
function faultIn(text: string, depthMax: number): CouldNotTell | null {
  const open: (Set<string> | null)[] = [];
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case 123: // {
        open.push(new Set());
        break;
      case 91: // [
        open.push(null);
        break;
      case 125: // }
      case 93: // ]
        open.pop();
        break;
      case QUOTE: {
        const end = endOfString(text, at);
        const keys = open.at(-1);
        if (keys && isKey(text, end)) {
          const key = keyIn(text, at, end);
          if (keys.has(key)) {
            const shown = JSON.stringify(key.slice(0, 100));
            return reason('ambiguous', `Expected each key once, found ${shown} twice.`);
          }
          keys.add(key);
        }
        at = end;
        break;
      }
    }
    if (open.length > depthMax) {
      return reason('too-complex', `Expected at most ${depthMax} levels of JSON, found more.`);
    }
  }
  return null;
}

/** The place of the closing quote; `start` is that of the opening one. */
export function endOfString(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === QUOTE || Number.isNaN(code)) return at;
    at += code === BACKSLASH ? 2 : 1;
  }
}

function isKey(text: string, end: number): boolean {
  let at = end + 1;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return text.charCodeAt(at) === COLON;
}

/** RFC 8259 section 2. */
function isSpace(code: number): boolean {
  return code === 32 || code === 9 || code === 10 || code === 13;
}

function keyIn(text: string, start: number, end: number): string {
  const raw = text.slice(start + 1, end);
  if (!raw.includes('\\')) return raw;
  const key: unknown = JSON.parse(text.slice(start, end + 1));
  return typeof key === 'string' ? key : raw;
}

function reason(code: CouldNotTell['code'], message: string): CouldNotTell {
  return { code, message, position: null };
}

function unread(code: CouldNotTell['code'], message: string): JsonText {
  return { kind: 'could-not-tell', reason: reason(code, message) };
}
