/** Command lines that ask to be let in, in PostgreSQL. A request is gone once it was answered. */
import type { Selectable } from 'kysely';
import type { DeviceAnswer, DeviceRequest, DeviceStore } from '../identity/devices.ts';
import type { RowMacs } from '../model/row-macs.ts';
import { storable } from '../model/text.ts';
import type { Database } from './database.ts';
import { deviceFacts, lockPersonRow } from './row-facts.ts';
import type { Tables } from './tables.ts';

type DeviceRow = Selectable<Tables['holdfast.device_requests']>;

export class SqlDeviceStore implements DeviceStore {
  readonly #database: Database;
  readonly #rows: RowMacs;

  constructor(database: Database, rows: RowMacs) {
    this.#database = database;
    this.#rows = rows;
  }

  add(
    request: DeviceRequest & { readonly secretHash: Buffer; readonly userCodeHash: Buffer },
    now: Date,
  ): Promise<boolean> {
    return this.#database.run(async (db) => {
      await db.deleteFrom('holdfast.device_requests').where('expires_at', '<=', now).execute();
      const row = {
        id: request.id,
        secret_hash: request.secretHash,
        user_code_hash: request.userCodeHash,
        machine: storable(request.machine),
        source: storable(request.source),
        user_agent: storable(request.userAgent),
        asked_at: request.askedAt,
        expires_at: request.expiresAt,
        decided_at: null,
        person_id: null,
      };
      const mac = this.#rows.mac('device', row.id, deviceFacts(row));
      const added = await db
        .insertInto('holdfast.device_requests')
        .values({ ...row, mac })
        .onConflict((conflict) => conflict.column('user_code_hash').doNothing())
        .executeTakeFirst();
      return added.numInsertedOrUpdatedRows === 1n;
    });
  }

  byCode(userCodeHash: Buffer, now: Date): Promise<DeviceRequest | null> {
    return this.#database.run(async (db) => {
      const row = await db
        .selectFrom('holdfast.device_requests')
        .selectAll()
        .where('user_code_hash', '=', userCodeHash)
        .where('decided_at', 'is', null)
        .where('expires_at', '>', now)
        .executeTakeFirst();
      return row === undefined || !this.#isOurs(row) ? null : requestOf(row);
    });
  }

  decide(userCodeHash: Buffer, personId: string | null, now: Date): Promise<DeviceRequest | null> {
    return this.#database.transaction(async (trx) => {
      const row = await trx
        .selectFrom('holdfast.device_requests')
        .selectAll()
        .where('user_code_hash', '=', userCodeHash)
        .where('decided_at', 'is', null)
        .where('expires_at', '>', now)
        .forUpdate()
        .executeTakeFirst();
      // What is not ours is not made ours by a person's yes: who asked may be another by now.
      if (row === undefined || !this.#isOurs(row)) return null;
      const decision = { decided_at: now, person_id: personId };
      const mac = this.#rows.mac('device', row.id, deviceFacts({ ...row, ...decision }));
      await trx
        .updateTable('holdfast.device_requests')
        .set({ ...decision, mac })
        .where('id', '=', row.id)
        .execute();
      return requestOf(row);
    });
  }

  take(secretHash: Buffer, now: Date): Promise<DeviceAnswer> {
    return this.#database.transaction(async (trx): Promise<DeviceAnswer> => {
      const row = await trx
        .selectFrom('holdfast.device_requests')
        .selectAll()
        .where('secret_hash', '=', secretHash)
        .where('expires_at', '>', now)
        .forUpdate()
        .executeTakeFirst();
      if (row === undefined) return { kind: 'gone' };
      if (row.decided_at === null) return { kind: 'waiting' };
      await trx.deleteFrom('holdfast.device_requests').where('id', '=', row.id).execute();
      if (!this.#isOurs(row)) return { kind: 'gone' };
      if (row.person_id === null) return { kind: 'denied' };
      const found = await lockPersonRow(trx, this.#rows, { id: row.person_id });
      if (found === null) return { kind: 'gone' };
      const person = { id: found.id, name: found.name };
      return { kind: 'let-in', person, request: requestOf(row) };
    });
  }

  #isOurs(row: DeviceRow): boolean {
    return this.#rows.fits('device', row.id, deviceFacts(row), row.mac);
  }
}

function requestOf(row: DeviceRow): DeviceRequest {
  return {
    id: row.id,
    machine: row.machine,
    source: row.source,
    userAgent: row.user_agent,
    askedAt: row.asked_at,
    expiresAt: row.expires_at,
  };
}
