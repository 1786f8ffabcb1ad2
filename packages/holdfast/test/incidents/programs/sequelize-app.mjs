/**
 * argv: `force` (row 11: a test file that calls sync({ force: true }) before it starts), `sync`, `alter`.
 * The models are the app's own, as far as the test needs them.
 */
import { DataTypes, Sequelize } from 'sequelize';

const sequelize = new Sequelize(process.env.DATABASE_URL, {
  dialect: 'postgres',
  logging: false,
  pool: { max: 1 },
});

function shop() {
  const Customer = sequelize.define(
    'Customer',
    {
      id: { type: DataTypes.BIGINT, primaryKey: true, autoIncrement: true },
      email: { type: DataTypes.STRING, allowNull: false, unique: true },
      fullName: { type: DataTypes.STRING, field: 'full_name' },
    },
    { tableName: 'customers' },
  );
  const Order = sequelize.define(
    'Order',
    { status: DataTypes.ENUM('draft', 'paid', 'sent', 'returned'), note: DataTypes.TEXT },
    { tableName: 'orders' },
  );
  Customer.hasMany(Order, { foreignKey: 'customer_id' });
  Order.belongsTo(Customer, { foreignKey: 'customer_id' });
  return { Customer, Order };
}

function newsletter(second) {
  const Letter = sequelize.define(
    'Letter',
    {
      subject: { type: DataTypes.STRING, allowNull: false },
      mood: DataTypes.ENUM('calm', 'loud'),
      ...(second
        ? { sentAt: DataTypes.DATE, opens: { type: DataTypes.INTEGER, defaultValue: 0 } }
        : {}),
    },
    { tableName: 'letters', ...(second ? { indexes: [{ fields: ['subject'] }] } : {}) },
  );
  const Reader = sequelize.define('Reader', { email: DataTypes.STRING }, { tableName: 'readers' });
  Letter.belongsToMany(Reader, { through: 'letter_readers' });
  Reader.belongsToMany(Letter, { through: 'letter_readers' });
  return { Letter, Reader };
}

const mode = process.argv[2];
if (mode === 'force') {
  const { Customer } = shop();
  await sequelize.sync({ force: true });
  await Customer.create({ email: 'test@example.org', fullName: 'Test' });
  if ((await Customer.count()) !== 1) throw new Error('the table is not fresh');
} else if (mode === 'sync') {
  const { Letter } = newsletter(false);
  await sequelize.sync();
  await Letter.create({ subject: 'hello', mood: 'calm' });
} else if (mode === 'alter') {
  const { Letter } = newsletter(true);
  await sequelize.sync({ alter: true });
  await Letter.create({ subject: 'again', mood: 'loud', opens: 3 });
} else {
  throw new Error(`unknown mode ${mode}`);
}
await sequelize.close();
