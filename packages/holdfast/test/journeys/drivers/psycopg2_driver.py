"""psycopg2 as a user works with it. One JSON line per step; argv: `fidelity`, or `once SQL [txn]`."""
import hashlib
import io
import json
import select
import sys
import threading
import time

import psycopg2
import psycopg2.errors
import psycopg2.extras

FIELDS = (
    "severity", "sqlstate", "message_primary", "message_detail", "message_hint",
    "statement_position", "context", "schema_name", "table_name", "column_name",
    "datatype_name", "constraint_name", "source_file", "source_line", "source_function",
)


def plain(value):
    return bytes(value).hex() if isinstance(value, memoryview) else repr(value)


def show(step, value):
    print(json.dumps({"step": step, "value": value}, default=plain), flush=True)


def fault(error):
    return {name: getattr(error.diag, name) for name in FIELDS if getattr(error.diag, name)}


def attempt(step, work):
    try:
        show(step, work())
    except psycopg2.Error as error:
        show(step, {"error": type(error).__name__, **fault(error)})


def rows(cursor, sql, parameters=None):
    cursor.execute(sql, parameters)
    columns = [(column.name, column.type_code) for column in cursor.description or ()]
    return {
        "rows": cursor.fetchall() if cursor.description else None,
        "columns": columns,
        "status": cursor.statusmessage,
        "count": cursor.rowcount,
    }


def fidelity(connection):
    show("parameters", {
        name: connection.get_parameter_status(name)
        for name in ("server_version", "server_encoding", "client_encoding", "DateStyle",
                     "integer_datetimes", "standard_conforming_strings", "TimeZone")
    })
    cursor = connection.cursor()
    attempt("create", lambda: rows(cursor, "create table py (id int primary key, doc jsonb, raw bytea, n numeric, t timestamptz, tags text[])"))
    attempt("insert", lambda: rows(
        cursor, "insert into py values (%s, %s, %s, %s, %s, %s) returning *",
        (1, psycopg2.extras.Json({"a": [1, None, "é"]}), b"\x00\xff\\", "12.50", "2026-01-02 03:04:05+00", ["x", 'y"z', None])))
    connection.commit()
    attempt("duplicate", lambda: rows(cursor, "insert into py (id) values (%s)", (1,)))
    show("status after error", connection.get_transaction_status())
    attempt("in failed", lambda: rows(cursor, "select 1"))
    connection.rollback()
    show("status after rollback", connection.get_transaction_status())
    with connection:
        with connection.cursor() as inner:
            inner.executemany("insert into py (id) values (%s)", [(n,) for n in range(2, 50)])
    attempt("savepoint", lambda: rows(cursor, "savepoint s"))
    attempt("wrong column", lambda: rows(cursor, "select\n  colour from py"))
    attempt("to savepoint", lambda: rows(cursor, "rollback to s"))
    attempt("counted", lambda: rows(cursor, "select count(*), sum(id) from py"))
    connection.commit()
    source = io.StringIO("".join(f"{n}\t12.{n}\n" for n in range(100, 1100)))
    cursor.copy_expert("copy py (id, n) from stdin", source)
    show("copied in", cursor.rowcount)
    sink = io.StringIO()
    cursor.copy_expert("copy (select id, n from py order by id) to stdout with csv", sink)
    show("copied out", [len(sink.getvalue()), hashlib.sha256(sink.getvalue().encode()).hexdigest()])
    attempt("copy fails", lambda: cursor.copy_expert("copy py (id) from stdin", io.StringIO("nonsense\n")))
    connection.rollback()
    # psycopg2 puts values into the text, and a text over 16 MiB is not read (limits.sqlReadBytesMax).
    big = "é" * 7_000_000
    attempt("14 MB in", lambda: (rows(cursor, "select length(%s)", (big,)))["rows"])
    cursor.execute("select repeat('z', 20000000)")
    show("20 MB out", len(cursor.fetchone()[0]))
    named = connection.cursor(name="walk", withhold=False)
    named.itersize = 100
    named.execute("select id from py order by id")
    show("named cursor", [row[0] for row in named])
    named.close()
    connection.commit()
    connection.autocommit = True
    cursor.execute("listen bell")
    cursor.execute("notify bell, 'ding'")
    deadline = time.monotonic() + 10
    while not connection.notifies and time.monotonic() < deadline:
        select.select([connection], [], [], 0.2)
        connection.poll()
    show("notified", [(one.channel, one.payload) for one in connection.notifies])
    attempt("notice", lambda: rows(cursor, "do $$ begin raise notice 'hello'; end $$"))
    show("notices", connection.notices)
    timer = threading.Timer(0.7, connection.cancel)
    timer.start()
    attempt("cancelled", lambda: rows(cursor, "select pg_sleep(20)"))
    timer.join()
    attempt("several", lambda: rows(cursor, "select 1; select 2, 3"))
    attempt("values", lambda: rows(cursor, "select * from py where id = any(%s) order by id", ([1, 2, 105],)))
    attempt("gone", lambda: rows(cursor, "drop table py"))


def once(connection, sql, inside):
    cursor = connection.cursor()
    if inside:
        attempt("first", lambda: rows(cursor, "insert into kept values (100)"))
        attempt("second", lambda: rows(cursor, "savepoint s"))
    else:
        connection.autocommit = True
    attempt("statement", lambda: rows(cursor, sql))
    attempt("after", lambda: rows(cursor, "select 1"))
    if inside:
        attempt("to savepoint", lambda: rows(cursor, "rollback to s"))
        attempt("third", lambda: rows(cursor, "insert into kept values (101)"))
        connection.commit()


def main():
    connection = psycopg2.connect(connect_timeout=15)
    if sys.argv[1] == "fidelity":
        fidelity(connection)
    else:
        once(connection, sys.argv[2], len(sys.argv) > 3)
    connection.close()


main()
