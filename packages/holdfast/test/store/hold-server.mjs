/** A process that starts the embedded server, says its pid, and leaves when told `stop`. */
import { systemClock } from '../../dist/model/clock.js';
import { EmbeddedPostgres } from '../../dist/store/embedded-postgres.js';

const [folder] = process.argv.slice(2);
const server = await EmbeddedPostgres.start({ folder, clock: systemClock });
process.stdout.write(`${server.pid}\n`);
process.stdin.on('data', async () => {
  await server.stop();
  process.exit(0);
});
