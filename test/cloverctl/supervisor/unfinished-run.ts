// A run that ends in the middle: node unfinished-run.ts PARENT. Starts the sample below PARENT, says
// the folder of the run, and is gone without taking anything down.
import process from 'node:process';
import { pino } from 'pino';
import { withRun } from '../../../cloverctl/supervisor/with-run.ts';
import { createSdc } from '../../../infra/samples/sdc/deploy.ts';

const parent = process.argv[2] ?? '';
const log = pino({ level: 'silent' });
await withRun({ kind: 'test', log, parent }, async ({ run, supervisor }) => {
  await createSdc({ run, supervisor }).up();
  process.stdout.write(`${run.path} ${run.record.namespaces.join(' ')}\n`);
  process.exit(3);
});
