/** A person's phone: reads the otpauth:// URI once and shows the code of a moment. */
import { TOTP, URI } from 'otpauth';

export function authenticator(uri: string): (at: Date) => string {
  const totp = URI.parse(uri);
  if (!(totp instanceof TOTP)) throw new Error('expected a TOTP URI');
  return (at) => totp.generate({ timestamp: at.getTime() });
}
