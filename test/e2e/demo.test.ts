import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { sweep } from '../../cloverctl/supervisor/sweep.ts';
import { assertGone, assertRight, startDemo } from './helpers/demo.ts';

test.serial(
  'the demo ends with both verdicts right and a closed ledger, and leaves nothing',
  async (t) => {
    const demo = startDemo(t);
    await demo.line('[6]');
    const run = demo.record();
    const { code, lines } = await demo.ended;
    t.is(code, 0);
    assertRight(t, lines);
    if (run === undefined) throw new Error('the demo had no record');
    t.true(run.record.namespaces.length > 0 && run.record.links.length > 0);
    assertGone(t, run);
  },
);

test.serial(
  'a control plane that is killed while it judges goes on and ends the same',
  async (t) => {
    const demo = startDemo(t);
    await demo.line('Running, 50 % on v2');
    const killed = demo.record()?.record.processes.find(({ name }) => name === 'control-plane');
    if (killed === undefined) throw new Error('the demo has no control plane');
    process.kill(killed.pid, 'SIGKILL');
    const { code, lines } = await demo.ended;
    t.true(lines.some((line) => line.includes('process ended by itself')));
    t.is(code, 0);
    assertRight(t, lines);
  },
);

test.serial('a demo that is killed is taken down by the next run', async (t) => {
  const demo = startDemo(t);
  await demo.line('[3]');
  const run = demo.record();
  if (run === undefined) throw new Error('the demo had no record');
  process.kill(demo.pid, 'SIGKILL');
  await demo.ended;
  const swept = await sweep();
  t.true(swept.some(({ path, processes }) => path === run.path && processes > 0));
  assertGone(t, run);
});

test.serial('two signals, one right after the other, leave nothing', async (t) => {
  const demo = startDemo(t);
  await demo.line('[2]');
  const run = demo.record();
  if (run === undefined) throw new Error('the demo had no record');
  // npm and the terminal send one each for one Ctrl-C.
  process.kill(demo.pid, 'SIGINT');
  process.kill(demo.pid, 'SIGINT');
  await sleep(300);
  process.kill(demo.pid, 'SIGTERM');
  t.is((await demo.ended).code, 130);
  assertGone(t, run);
});
