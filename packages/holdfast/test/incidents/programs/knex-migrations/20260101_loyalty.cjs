exports.up = async (knex) => {
  await knex.schema.createTable('loyalty_cards', (table) => {
    table.increments('id');
    table.bigInteger('customer_id').notNullable().references('id').inTable('customers');
    table.integer('points').notNullable().defaultTo(0);
    table.timestamps(true, true);
  });
  await knex('loyalty_cards').insert([
    { customer_id: 1, points: 5 },
    { customer_id: 2, points: 7 },
  ]);
};
exports.down = (knex) => knex.schema.dropTable('loyalty_cards');
