import type { Devices } from '../../identity/devices.ts';
import { DEVICE_POLL_MS } from '../../model/limits.ts';
import type { DEVICE_ROUTES } from '../contract/device.ts';
import type { Handlers } from '../handler.ts';
import { personOf } from '../person.ts';

export interface DeviceRouteParts {
  readonly devices: Devices;
  /** Our own pages, as browsers see them. */
  readonly origin: () => string;
}

export function deviceRoutes({
  devices,
  origin,
}: DeviceRouteParts): Handlers<typeof DEVICE_ROUTES> {
  return {
    'device.begin': async ({ body, source, userAgent }) => {
      const { machine } = body;
      const { expiresAt, secret, userCode } = await devices.ask({ machine, source, userAgent });
      return {
        secret,
        userCode,
        verificationUrl: `${origin()}/device`,
        expiresAt: expiresAt.toISOString(),
        pollMs: DEVICE_POLL_MS,
      };
    },
    'device.poll': async ({ body }) => {
      const answer = await devices.poll(body.secret);
      if (answer.state === 'waiting') return { state: 'waiting', pollMs: DEVICE_POLL_MS };
      if (answer.state !== 'open') return { state: answer.state };
      const { person, session } = answer;
      return {
        state: 'open',
        session: session.secret,
        person: person.name,
        expiresAt: session.expiresAt.toISOString(),
      };
    },
    'device.look': async ({ body }) => {
      const { askedAt, expiresAt, machine, source } = await devices.look(body.userCode);
      return {
        machine,
        source,
        askedAt: askedAt.toISOString(),
        expiresAt: expiresAt.toISOString(),
      };
    },
    'device.decide': async ({ body, principal }) => {
      await devices.decide(body.userCode, personOf(principal), body.letIn);
      return { state: body.letIn ? 'let-in' : 'denied' };
    },
  };
}
