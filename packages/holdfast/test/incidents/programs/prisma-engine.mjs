/**
 * What Prisma's schema engine sends, by the same kinds of messages: questions are prepared by name
 * (Parse, Describe, Bind, Execute), DDL goes as simple Query, a migration file whole. The engine itself
 * is a binary that npm does not ship; statements and their order follow its documented behaviour.
 *
 * argv: `reset` (migrate reset --force: rows 5, 8), `force-reset` (db push --force-reset: row 6),
 * `accept-data-loss` (db push --accept-data-loss: row 7), `deploy` (migrate deploy), and any of them
 * with `extended`: the DDL prepared as well, as drivers with adapters do.
 */
import pg from 'pg';

const [mode, form] = process.argv.slice(2);
const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
let prepared = 0;

/** quaint's query_raw: a named statement each. */
const ask = (text, values = []) => client.query({ name: `s${prepared++}`, text, values });
/** quaint's raw_cmd; a text of several statements can only go this way. */
const command = (text) =>
  form === 'extended' && !text.includes(';\n') ? ask(text) : client.query(text);

const TABLES = [
  "CREATE TYPE \"OrderState\" AS ENUM ('DRAFT', 'PAID')",
  'CREATE TABLE "User" ("id" SERIAL NOT NULL, "email" TEXT NOT NULL, "createdAt" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP, CONSTRAINT "User_pkey" PRIMARY KEY ("id"))',
  'CREATE TABLE "Post" ("id" SERIAL NOT NULL, "title" TEXT NOT NULL, "state" "OrderState" NOT NULL DEFAULT \'DRAFT\', "authorId" INTEGER NOT NULL, CONSTRAINT "Post_pkey" PRIMARY KEY ("id"))',
  'CREATE UNIQUE INDEX "User_email_key" ON "User"("email")',
  'ALTER TABLE "Post" ADD CONSTRAINT "Post_authorId_fkey" FOREIGN KEY ("authorId") REFERENCES "User"("id") ON DELETE RESTRICT ON UPDATE CASCADE',
];
const MIGRATIONS = [
  { name: '20260101000000_init', script: `-- CreateEnum\n${TABLES.join(';\n\n')};\n` },
  {
    name: '20260201000000_age',
    script:
      '-- AlterTable\nALTER TABLE "User" ADD COLUMN     "age" INTEGER NOT NULL DEFAULT 0;\n\n' +
      '-- CreateIndex\nCREATE INDEX "User_age_idx" ON "User"("age");\n',
  },
];

async function connected() {
  await client.connect();
  await command('SET search_path = "public"');
  await ask(
    "SELECT EXISTS(SELECT 1 FROM pg_namespace WHERE nspname = $1), version(), current_setting('server_version_num')::integer as numeric_version",
    ['public'],
  );
}

async function introspect() {
  await ask(
    "SELECT tbl.relname AS table_name, namespace.nspname AS namespace FROM pg_class AS tbl INNER JOIN pg_namespace AS namespace ON namespace.oid = tbl.relnamespace WHERE tbl.relkind IN ('r', 'p') AND namespace.nspname = ANY ( $1 ) ORDER BY namespace, table_name",
    [['public']],
  );
  await ask(
    'SELECT con.conname, pg_get_constraintdef(con.oid) FROM pg_constraint con JOIN pg_namespace n ON n.oid = con.connamespace WHERE n.nspname = ANY ( $1 )',
    [['public']],
  );
  await ask(
    'SELECT table_name, column_name, column_default, is_nullable FROM information_schema.columns WHERE table_schema = ANY ( $1 )',
    [['public']],
  );
}

async function reset() {
  await command('DROP SCHEMA "public" CASCADE');
  await command('CREATE SCHEMA "public"');
  await command('GRANT ALL ON SCHEMA "public" TO CURRENT_USER');
  await command('GRANT ALL ON SCHEMA "public" TO public');
}

async function deploy() {
  await ask('SELECT pg_advisory_lock(72707369)');
  await command(
    'CREATE TABLE IF NOT EXISTS "_prisma_migrations" (\n    "id" VARCHAR(36) PRIMARY KEY NOT NULL,\n    "checksum" VARCHAR(64) NOT NULL,\n    "finished_at" TIMESTAMPTZ,\n    "migration_name" VARCHAR(255) NOT NULL,\n    "logs" TEXT,\n    "rolled_back_at" TIMESTAMPTZ,\n    "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),\n    "applied_steps_count" INTEGER NOT NULL DEFAULT 0\n)',
  );
  const done = await ask(
    'SELECT "id", "checksum", "finished_at", "migration_name", "logs", "rolled_back_at", "started_at", "applied_steps_count" FROM "_prisma_migrations" ORDER BY "started_at" ASC',
  );
  const names = new Set(done.rows.map((row) => row.migration_name));
  for (const [index, { name, script }] of MIGRATIONS.entries()) {
    if (names.has(name)) continue;
    const id = `00000000-0000-4000-8000-00000000000${index}`;
    await ask(
      'INSERT INTO "_prisma_migrations" ("id", "checksum", "started_at", "migration_name") VALUES ($1, $2, $3, $4)',
      [id, 'f'.repeat(64), new Date(), name],
    );
    await client.query(script);
    await ask(
      'UPDATE "_prisma_migrations" SET "applied_steps_count" = "applied_steps_count" + 1 WHERE "id" = $1',
      [id],
    );
    await ask('UPDATE "_prisma_migrations" SET "finished_at" = $1 WHERE "id" = $2', [
      new Date(),
      id,
    ]);
  }
}

async function push(statements) {
  await introspect();
  for (const statement of statements) await command(statement);
}

/** The datamodel knows only part of what is there: the rest is drift, and `--accept-data-loss` drops it. */
const LOSS = [
  'ALTER TABLE "customers" DROP COLUMN "profile",\nADD COLUMN     "nickname" TEXT',
  'ALTER TABLE "orders" ALTER COLUMN "note" SET DATA TYPE VARCHAR(20) USING left("note", 20)',
  'DROP TABLE "poc_staging"',
  'DROP TABLE "agent_settings"',
];

await connected();
if (mode === 'reset') {
  await introspect();
  await ask('SELECT pg_advisory_lock(72707369)');
  await reset();
  await deploy();
} else if (mode === 'force-reset') {
  await reset();
  await push(TABLES);
} else if (mode === 'accept-data-loss') {
  await push(LOSS);
} else if (mode === 'deploy') {
  await deploy();
} else {
  throw new Error(`unknown mode ${mode}`);
}
await client.end();
