// Takes down what one run has left, once its owner is gone: node sweep-main.ts FOLDER.
import { dirname } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './process-table.ts';
import { findRuns } from './run-record.ts';
import { takeDown } from './sweep.ts';

const [, , folder = ''] = process.argv;
for (const run of findRuns(dirname(folder)).filter(({ path }) => path === folder)) {
  while (isAlive(run.owner)) await sleep(20);
  await takeDown(run);
}
