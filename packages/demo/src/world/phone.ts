/**
 * The phone of the person who decides: an authenticator app in a few lines (RFC 6238, what every such app
 * does with the QR code of `holdfast people add`). It lies where the agent cannot reach: in this process.
 */
import { createHmac } from 'node:crypto';

const PERIOD_MS = 30_000;
const DIGITS = 6;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export class Phone {
  readonly #secret: Buffer;
  #lastStep = 0;

  /** `uri`: the text of the QR code, otpauth://totp/... */
  constructor(uri: string) {
    this.#secret = fromBase32(new URL(uri).searchParams.get('secret') ?? '');
  }

  /**
   * No code counts twice, and those before and after now count too: so the first, which is typed at once, is the
   * one before, and later ones are those of now: a command that takes its time must not make them too old.
   */
  code(): string {
    const now = currentStep();
    const step = this.#lastStep === 0 ? now - 1 : Math.max(now, this.#lastStep + 1);
    this.#lastStep = step;
    return this.#codeOf(step);
  }

  /** As on the phone's screen: the same for half a minute, whoever looks; never one that `code` gave out. */
  shows(): string {
    return this.#codeOf(Math.max(currentStep(), this.#lastStep + 1));
  }

  #codeOf(step: number): string {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const mac = createHmac('sha1', this.#secret).update(counter).digest();
    const offset = (mac.at(-1) ?? 0) & 0x0f;
    const number = (mac.readUInt32BE(offset) & 0x7fff_ffff) % 10 ** DIGITS;
    return String(number).padStart(DIGITS, '0');
  }
}

function currentStep(): number {
  return Math.floor(Date.now() / PERIOD_MS);
}

/** RFC 4648 §6, without padding. */
function fromBase32(text: string): Buffer {
  const bits = [...text.replaceAll('=', '')].map((letter) =>
    BASE32.indexOf(letter).toString(2).padStart(5, '0'),
  );
  const bytes = bits.join('').match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((byte) => Number.parseInt(byte, 2)));
}
