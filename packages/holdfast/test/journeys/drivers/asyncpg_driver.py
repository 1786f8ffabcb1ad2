"""asyncpg as a user works with it. One JSON line per step; argv: `fidelity`, or `once SQL [txn]`."""
import asyncio
import datetime
import decimal
import hashlib
import io
import json
import os
import sys
import uuid

import asyncpg


def show(step, value):
    print(json.dumps({"step": step, "value": value}, default=repr), flush=True)


async def attempt(step, work):
    try:
        found = await work
        if isinstance(found, list):
            found = [list(row.items()) if isinstance(row, asyncpg.Record) else row for row in found]
        elif isinstance(found, asyncpg.Record):
            found = list(found.items())
        show(step, found)
    except asyncpg.PostgresError as error:
        show(step, {"error": type(error).__name__, **error.as_dict()})


async def fidelity(connection):
    show("version", str(connection.get_server_version()))
    await attempt("create", connection.execute("create table aio (id int primary key, t timestamptz, n numeric, raw bytea, tags text[], u uuid, doc jsonb)"))
    values = (1, datetime.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=datetime.timezone.utc), decimal.Decimal("12.50"),
              b"\x00\xff", ["a", None, "é"], uuid.UUID("6f1b1f1e-8a3c-4a53-9d4e-0f3f4d9a9a11"), '{"k": [1, null]}')
    await attempt("insert", connection.fetch("insert into aio values ($1,$2,$3,$4,$5,$6,$7) returning *", *values))
    await attempt("many", connection.executemany("insert into aio (id, n) values ($1, $2)", [(n, decimal.Decimal(n) / 4) for n in range(2, 500)]))
    await attempt("many, one wrong", connection.executemany("insert into aio (id) values ($1)", [(600,), (1,), (601,)]))
    await attempt("none of them", connection.fetch("select count(*) from aio where id >= 600"))
    prepared = await connection.prepare("select id, n from aio where id = $1")
    show("parameters", [kind.name for kind in prepared.get_parameters()])
    show("attributes", [(one.name, one.type.name) for one in prepared.get_attributes()])
    for number in (1, 2, 3, 1000):
        await attempt(f"prepared {number}", prepared.fetchrow(number))
    async with connection.transaction():
        cursor = [row["id"] async for row in connection.cursor("select id from aio order by id", prefetch=60)]
        show("cursor", cursor)
    try:
        async with connection.transaction():
            await connection.execute("insert into aio (id) values (700)")
            async with connection.transaction():
                await connection.execute("insert into aio (id) values (701)")
                raise KeyError("leave the inner one")
    except KeyError:
        pass
    await attempt("both gone", connection.fetch("select id from aio where id >= 700"))
    async with connection.transaction():
        await connection.execute("insert into aio (id) values (702)")
        try:
            async with connection.transaction():
                await connection.execute("insert into aio (id) values (702)")
        except asyncpg.UniqueViolationError as error:
            show("inner", error.as_dict())
        await connection.execute("insert into aio (id) values (703)")
    await attempt("two stay", connection.fetch("select id from aio where id >= 700 order by id"))
    await attempt("syntax", connection.fetch("select frm aio whre id"))
    await attempt("type", connection.fetch("select $1::int + 'x'", 1))
    show("copy in", await connection.copy_records_to_table("aio", records=[(n, None) for n in range(1000, 1200)], columns=["id", "n"]))
    sink = io.BytesIO()
    show("copy out", await connection.copy_from_query("select id, n from aio order by id", output=sink, format="csv"))
    show("copied", [len(sink.getvalue()), hashlib.sha256(sink.getvalue()).hexdigest()])
    binary = io.BytesIO()
    await connection.copy_from_table("aio", output=binary, format="binary")
    show("binary copy", len(binary.getvalue()))
    big = os.urandom(1) * 20_000_000
    show("20 MB", (await connection.fetchval("select $1::bytea", big)) == big)
    heard = asyncio.Queue()
    await connection.add_listener("bell", lambda _c, _pid, channel, payload: heard.put_nowait((channel, payload)))
    await connection.execute("notify bell, 'ding'")
    show("notified", await asyncio.wait_for(heard.get(), 10))
    await connection.remove_listener("bell", lambda *_: None)
    notes = []
    connection.add_log_listener(lambda _c, message: notes.append(message.as_dict()))
    await connection.execute("do $$ begin raise notice 'hello'; end $$")
    await asyncio.sleep(0)
    show("notices", notes)
    try:
        await connection.fetch("select pg_sleep(20)", timeout=0.7)
    except asyncio.TimeoutError:
        show("timed out", True)
    await attempt("still here", connection.fetchrow("select 1 as one"))
    await attempt("script", connection.execute("select 1; insert into aio (id) values (5000); select 2"))
    await attempt("script fails whole", connection.execute("insert into aio (id) values (5001); select 1/0"))
    await attempt("rest", connection.fetch("select id from aio where id >= 5000"))
    await attempt("reset", connection.reset())
    await attempt("drop", connection.execute("drop table aio"))


async def once(connection, sql, inside):
    if inside:
        await attempt("first", connection.execute("begin"))
        await attempt("second", connection.execute("insert into kept values (100)"))
        await attempt("savepoint", connection.execute("savepoint s"))
    await attempt("statement", connection.fetch(sql))
    await attempt("after", connection.fetch("select 1"))
    if inside:
        await attempt("to savepoint", connection.execute("rollback to s"))
        await attempt("third", connection.execute("insert into kept values (101)"))
        await attempt("commit", connection.execute("commit"))


async def main():
    connection = await asyncpg.connect(timeout=15, ssl=False)
    if sys.argv[1] == "fidelity":
        await fidelity(connection)
    else:
        await once(connection, sys.argv[2], len(sys.argv) > 3)
    await connection.close()


asyncio.run(main())
