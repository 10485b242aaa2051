import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { pino } from 'pino';
import { parse } from 'yaml';
import { z } from 'zod';
import { envoyProgram } from '../../../cloverctl/supervisor/programs.ts';
import { startStack } from '../../../cloverctl/supervisor/stack.ts';
import { takeDown } from '../../../cloverctl/supervisor/sweep.ts';
import { createApiClient, type ApiClient } from '../../../functions/api/client.ts';
import { systemClock } from '../../../functions/lib/clock.ts';
import { createSdc } from '../../../infra/samples/sdc/deploy.ts';
import { startLoad } from '../../../infra/samples/sdc/load.ts';
import { sdcPods, sdcPort } from '../../../infra/samples/sdc/topology.ts';
import { supervisedRun } from './supervised-run.ts';

const document = z.looseObject({
  kind: z.enum(['TrafficPolicy', 'Tap', 'Experiment']),
  metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
});

async function apply(client: ApiClient, file: string): Promise<void> {
  const url = new URL(`../../../infra/samples/sdc/manifests/${file}`, import.meta.url);
  await client.apply(document.parse(parse(readFileSync(url, 'utf8'))));
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600 && !(await condition()); tries++) await sleep(50);
}

function programmed(client: ApiClient, generation: number): () => Promise<boolean> {
  return async () => {
    const policy = await client.get('TrafficPolicy', 'sdc', 'proxy');
    const conditions = policy?.status.conditions ?? [];
    return conditions.some(
      ({ type, status, observedGeneration }) =>
        type === 'Programmed' && status === 'True' && observedGeneration === generation,
    );
  };
}

test('the stack carries real traffic, and a control plane that was killed comes back on its data without a lost request', async (t) => {
  t.timeout(110_000);
  const { run, supervisor, parent } = supervisedRun(t);
  const sdc = createSdc({ run, supervisor });
  await sdc.up();
  const stack = await startStack({
    run,
    supervisor,
    log: pino({ level: 'silent' }),
    podsFile: sdc.podsFile,
    envoy: envoyProgram(),
    gatewayNamespace: sdc.network.namespaceOf('gateway'),
  });
  const client = createApiClient({ url: stack.url, token: stack.token, clock: systemClock });
  await apply(client, 'tap.yaml');
  await apply(client, 'policy-v1.yaml');
  await until(programmed(client, 1));
  const load = await startLoad({
    supervisor,
    namespace: sdc.network.namespaceOf('client'),
    plan: { host: sdcPods.gateway.address, port: sdcPort, rate: 100 },
  });
  await until(async () => (await client.red()).some(({ service }) => service === 'web'));

  await stack.kill('control-plane');
  await t.throwsAsync(fetch(`${stack.url}/health/ready`));
  await sleep(1_000);
  await stack.restart('control-plane');
  t.is((await client.get('TrafficPolicy', 'sdc', 'proxy'))?.metadata.generation, 1);
  await sdc.addVersion('v2');
  await apply(client, 'policy-v1-v2.yaml');
  await until(programmed(client, 2));
  await sleep(500);

  const report = await load.stop();
  t.is(report.unattributed, 0, JSON.stringify(report.errors));
  t.deepEqual(report.stamps.map(({ stamp }) => stamp).toSorted(), ['-.1.v1', '-.2.v1']);
  t.true(report.stamps.every(({ status, responses }) => status['200'] === responses));
  t.is(await sdc.served('proxy-v1'), report.sent);
  t.is(await gatewayRequests(stack.adminSocket), report.sent);

  // Loop gain 0: spans, evidence, taps and questions go on over HTTP, and none of it is traced.
  const ledger = await agentLedger(stack.agentUrl);
  t.true(ledger.capture.requests.seen > report.sent);
  await sleep(2_000);
  const later = await agentLedger(stack.agentUrl);
  t.is(later.capture.requests.seen, ledger.capture.requests.seen);
  t.true(later.evidence.accepted > ledger.evidence.accepted, 'the agent has gone on talking');

  await stack.stop();
  await sdc.stop();
  await supervisor.stopAll();
  await takeDown(run);
  t.deepEqual(readdirSync(parent), []);
});

test('a part that does not start is named with its last words', async (t) => {
  const { run, supervisor } = supervisedRun(t);
  await t.throwsAsync(
    startStack({
      run,
      supervisor,
      log: pino({ level: 'silent' }),
      podsFile: join(run.path, 'pods.json'),
      envoy: '/bin/false',
    }),
    { message: /^envoy ended while it was started/ },
  );
});

const agentBooks = z.looseObject({
  capture: z.looseObject({ requests: z.looseObject({ seen: z.number() }) }),
  evidence: z.looseObject({ accepted: z.number() }),
});

async function agentLedger(url: string): Promise<z.output<typeof agentBooks>> {
  return agentBooks.parse(await (await fetch(`${url}/ledger`)).json());
}

/** Requests that Envoy has answered, by its own counter. */
async function gatewayRequests(socketPath: string): Promise<number> {
  const path = '/stats?filter=downstream_rq_completed';
  const asked = request({ socketPath, path, agent: false }).end();
  const [response] = z.tuple([z.instanceof(IncomingMessage)]).parse(await once(asked, 'response'));
  const counts = (await text(response)).matchAll(
    /^http\.port-\d+\.downstream_rq_completed: (\d+)$/gm,
  );
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}
