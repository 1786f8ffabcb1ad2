/** drizzle-kit's configuration of the desk app; DESK_VERSION says which release of it. */
module.exports = {
  dialect: 'postgresql',
  schema: `./drizzle-desk-${process.env.DESK_VERSION}.ts`,
  schemaFilter: ['desk'],
  dbCredentials: { url: process.env.DATABASE_URL },
};
