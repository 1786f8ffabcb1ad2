/** For knex's command line: `migrate:latest`, `migrate:rollback`. */
const { join } = require('node:path');

module.exports = {
  client: 'pg',
  connection: process.env.DATABASE_URL,
  pool: { min: 0, max: 2 },
  migrations: { directory: join(__dirname, 'knex-migrations'), extension: 'cjs' },
};
