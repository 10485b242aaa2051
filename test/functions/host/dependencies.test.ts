import test from 'ava';
import { createAgentCalls } from '../../../functions/host/agent-calls.ts';
import { createDependencyCheck } from '../../../functions/host/dependencies.ts';
import { authorization, start } from './start-host.ts';

const answers = async (): Promise<void> => undefined;
const silent = (): Promise<void> => new Promise(() => undefined);
const fails = async (): Promise<void> => {
  throw new Error('wrong password');
};

test('each that functions work with is told by its name, with what it says when it does not answer', async (t) => {
  const check = createDependencyCheck([
    {},
    { dependencies: { well: answers, locked: fails } },
    { dependencies: { other: answers } },
  ]);
  t.deepEqual(await check(), {
    well: { answers: true },
    locked: { answers: false, why: 'wrong password' },
    other: { answers: true },
  });
});

test('who says nothing does not answer', async (t) => {
  // A timer of its own keeps the process for the time of the test.
  const alive = setTimeout(() => undefined, 60_000);
  t.teardown(() => clearTimeout(alive));
  t.deepEqual(await createDependencyCheck([{ dependencies: { silent } }], 10)(), {
    silent: { answers: false, why: 'there was no answer within 0.01 s' },
  });
});

test('many who want to know at the same time are one question, and later ones another', async (t) => {
  let asked = 0;
  const counted = async (): Promise<void> => {
    asked += 1;
  };
  const check = createDependencyCheck([{ dependencies: { counted } }]);
  await Promise.all([check(), check(), check()]);
  t.is(asked, 1);
  await check();
  t.is(asked, 2);
});

test('a host tells every caller, and no agent and nobody else', async (t) => {
  const agents = createAgentCalls('a-token-of-the-agents');
  const { url } = await start(t, { dependencies: { store: fails } }, { agents });
  const ask = (headers: Record<string, string>): Promise<Response> =>
    fetch(`${url}/health/dependencies`, { headers });
  const told = await ask({ authorization });
  t.is(told.status, 200);
  t.deepEqual(await told.json(), { store: { answers: false, why: 'wrong password' } });
  t.is((await ask({})).status, 401);
  t.is((await ask({ authorization: 'Bearer a-token-of-the-agents' })).status, 403);
  t.is((await fetch(`${url}/health/ready`)).status, 200, 'it is ready without');
});
