exports.up = async (knex) => {
  await knex.schema.alterTable('loyalty_cards', (table) => {
    table.renameColumn('points', 'balance');
    table.string('level').defaultTo('basic').index();
  });
  await knex.schema.renameTable('loyalty_cards', 'bonus_cards');
};
exports.down = async (knex) => {
  await knex.schema.renameTable('bonus_cards', 'loyalty_cards');
  await knex.schema.alterTable('loyalty_cards', (table) => {
    table.dropColumn('level');
    table.renameColumn('balance', 'points');
  });
};
