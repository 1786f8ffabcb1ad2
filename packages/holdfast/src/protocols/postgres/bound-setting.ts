/** The value that a Bind gives a setting: `select set_config('app.tenant', $1, true)`. */
import type { SettingChange } from './setting-changes.ts';
import type { Prepared } from './statements.ts';

/** Of these a value is what was sent, in either format: none said, so that it is inferred; text; varchar. */
const INFERRED = 0;
const TEXT = 25;
const VARCHAR = 1043;

/** `bind`: a Bind behind its names. `prepared`: the statement that is bound; null: it may be one of several. */
export function withBound(
  change: SettingChange,
  bind: Buffer,
  prepared: Prepared | null,
): SettingChange {
  if (prepared === null) return { ...change, isSure: false };
  if (change.parameterAt === null) return change;
  const type = typeOf(prepared, change.parameterAt);
  // With a varchar a function of somebody's own may be a better match than the server's, unless it is qualified.
  const isText = type === INFERRED || type === TEXT || (type === VARCHAR && change.isQualified);
  if (!isText) return { ...change, value: null, isSure: false, parameterAt: null };
  return { ...change, value: textBound(bind, change.parameterAt), parameterAt: null };
}

/** As its Parse declared it (text, NUL, types: see `Prepared`); null: it was not prepared by one. */
function typeOf({ exact }: Prepared, number: number): number | null {
  const at = exact.indexOf(0) + 1;
  if (at <= 1 || at + 2 > exact.length) return null;
  if (number > exact.readUInt16BE(at)) return INFERRED;
  const from = at + 2 + 4 * (number - 1);
  return from + 4 > exact.length ? null : exact.readUInt32BE(from);
}

/** Of a type that is the same bytes in both formats. Null: it is NULL, or not there. (Manual, "Message Formats": Bind.) */
function textBound(bind: Buffer, number: number): string | null {
  try {
    const formats = bind.readInt16BE(0);
    let at = 2 + 2 * formats;
    const count = bind.readInt16BE(at);
    at += 2;
    for (let index = 0; index < count; index += 1) {
      const length = bind.readInt32BE(at);
      at += 4;
      if (index === number - 1) {
        if (length < 0) return null;
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
