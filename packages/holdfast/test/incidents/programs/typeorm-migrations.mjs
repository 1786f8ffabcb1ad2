/** Two migrations as TypeORM writes them. */
export class AddTickets1760000000000 {
  async up(runner) {
    await runner.query(
      'CREATE TABLE "support_cases" ("id" SERIAL NOT NULL, "title" character varying(200) NOT NULL, ' +
        'CONSTRAINT "PK_support_cases" PRIMARY KEY ("id"))',
    );
    await runner.query('INSERT INTO "support_cases" ("title") VALUES ($1)', ['first']);
  }
  async down(runner) {
    await runner.query('DROP TABLE "support_cases"');
  }
}

export class RenameTickets1760000000001 {
  async up(runner) {
    await runner.query('ALTER TABLE "support_cases" ADD "urgency" integer NOT NULL DEFAULT 0');
    await runner.query('ALTER TABLE "support_cases" RENAME COLUMN "title" TO "subject"');
    await runner.query('CREATE INDEX "IDX_cases_urgency" ON "support_cases" ("urgency")');
  }
  async down(runner) {
    await runner.query('DROP INDEX "IDX_cases_urgency"');
    await runner.query('ALTER TABLE "support_cases" DROP COLUMN "urgency"');
  }
}
