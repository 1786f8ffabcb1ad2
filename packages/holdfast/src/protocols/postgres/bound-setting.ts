/** The value that a Bind gives a setting: `select set_config('app.tenant', $1, true)`. */
import type { SettingChange } from './setting-changes.ts';

/** `bind`: a Bind behind its names. `isCertain`: it is known which statement is bound. */
export function withBound(change: SettingChange, bind: Buffer, isCertain: boolean): SettingChange {
  if (!isCertain) return { ...change, isSure: false };
  if (change.parameterAt === null) return change;
  const value = textBound(bind, change.parameterAt);
  return { ...change, value, parameterAt: null };
}

/** Null: it is NULL, or not sent as text, or not there. (Manual, "Message Formats": Bind.) */
function textBound(bind: Buffer, number: number): string | null {
  try {
    const formats = bind.readInt16BE(0);
    let at = 2 + 2 * formats;
    const isBinary = (index: number): boolean =>
      formats > 0 && bind.readInt16BE(2 + 2 * (formats === 1 ? 0 : index)) === 1;
    const count = bind.readInt16BE(at);
    at += 2;
    for (let index = 0; index < count; index += 1) {
      const length = bind.readInt32BE(at);
      at += 4;
      if (index === number - 1) {
        // Of the type text both formats are the same bytes; of another the server would refuse it.
        if (length < 0 || isBinary(index)) return null;
        return bind.toString('utf8', at, at + length);
      }
      at += Math.max(0, length);
    }
    return null;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
