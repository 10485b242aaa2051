// A run that never ends by itself: node abandoned-run.ts PARENT. Starts the sample below PARENT,
// says the folder of the run, and waits to be killed.
import process from 'node:process';
import { pino } from 'pino';
import { createSupervisor } from '../../../cloverctl/supervisor/processes.ts';
import { createRunFolder } from '../../../cloverctl/supervisor/run-record.ts';
import { createSdc } from '../../../infra/samples/sdc/deploy.ts';

const run = createRunFolder('test', process.argv[2]);
const supervisor = createSupervisor({ run, log: pino({ level: 'silent' }) });
const sdc = createSdc({ run, supervisor });
await sdc.up();
// One that hides from its group and from the record: only the mark and the folder name it.
await supervisor.start({
  name: 'hidden',
  command: 'bash',
  args: ['-c', 'setsid sleep 300 & sleep 300'],
});
process.stdout.write(`${run.path}\n`);
setInterval(() => undefined, 60_000);
