// Publishes a context as `up` does: node publishing.ts HOME NAME URL TOKEN. Says so, and takes it back at SIGTERM.
import process from 'node:process';
import { publishContext } from '../../../cloverctl/contexts/running.ts';
import { systemClock } from '../../../functions/lib/clock.ts';

const [home = '', name = '', url = '', token = ''] = process.argv.slice(2);
const withdraw = publishContext({ home, clock: systemClock }, { name, url, token });
process.once('SIGTERM', () => {
  withdraw();
  process.exit(0);
});
process.stdout.write('published\n');
setInterval(() => undefined, 60_000);
