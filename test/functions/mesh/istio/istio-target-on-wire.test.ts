import test from 'ava';
import { systemClock } from '../../../../functions/lib/clock.ts';
import { createIstioTarget } from '../../../../functions/mesh/istio/istio-target.ts';
import { virtualService } from '../../../../functions/mesh/istio/objects.ts';
import type { PolicyOutcome } from '../../../../functions/mesh/target.ts';
import { compile } from '../../../../functions/policy/compile.ts';
import {
  applied,
  appliedObject,
  listed,
  onWire,
  refusal,
  reply,
  type Answer,
  type Asked,
  type Wire,
} from '../../resources/kubernetes/wire.ts';
import { meshPolicy } from './examples.ts';
import { answerOf } from './live.ts';

const traffic = compile([meshPolicy()], []);

/** What became of the policy, on an API that has no object of Istio's and answers to writes as it is told. */
async function programmed({ client }: Wire): Promise<PolicyOutcome | undefined> {
  const target = createIstioTarget({ client, clock: systemClock });
  const reading = await target.read();
  return (await reading.program(traffic, { resync: false })).get('shop/proxy');
}

const isWrite = ({ method }: Asked): boolean => method !== 'GET';
const service = reply({ spec: { ports: [{ port: 8080 }] } });

function answering(write: (asked: Asked) => Answer, ofService = service) {
  return (asked: Asked): Answer => {
    if (isWrite(asked)) return write(asked);
    return asked.path.includes('/services/') ? ofService : listed([], '1');
  };
}

test('where Istio is not there all that is known is what would be rendered', async (t) => {
  const wire = await onWire(t, () => refusal(404));
  const outcome = await programmed(wire);
  t.like(outcome, { state: 'rejected', reason: 'MeshNotFound', version: 0 });
  t.regex(outcome?.message ?? '', /Istio is not installed/);
  t.regex(outcome?.hash ?? '', /^[0-9a-f]{64}$/);
  t.false(wire.asked.some(isWrite));
});

test('a version that is new is there for a second before its routes', async (t) => {
  const written = new Map<string, unknown>();
  const wire = await onWire(t, ({ method, path, body }) => {
    if (method !== 'GET') {
      written.set(path, body);
      return applied(body);
    }
    return path.includes('/services/') ? service : listed([], '1');
  });
  const waits: { readonly ms: number; readonly after: readonly string[] }[] = [];
  const clock = {
    now: () => 0,
    sleep: async (ms: number) => {
      waits.push({ ms, after: [...written.keys()].map((path) => path.split('/').at(-2) ?? '') });
    },
  };
  const target = createIstioTarget({ client: wire.client, clock });
  await (await target.read()).program(traffic, { resync: false });
  t.deepEqual(waits, [{ ms: 1_000, after: ['destinationrules'] }]);
  t.deepEqual(
    [...written.keys()].map((path) => path.split('/').at(-2)),
    ['destinationrules', 'virtualservices'],
  );
});

test('a change to versions that are there waits for no others that are new', async (t) => {
  const kept = new Map<string, object>();
  const writes: string[] = [];
  const wire = await onWire(t, ({ method, path, body }) => {
    const name = path.split('/').slice(-2).join('/');
    if (method === 'GET' && path.includes('/services/')) return service;
    if (method === 'GET') {
      const plural = path.split('/').at(-1) ?? '';
      return listed(
        [...kept].flatMap(([key, object]) => (key.startsWith(`${plural}/`) ? [object] : [])),
        '1',
      );
    }
    kept.set(name, appliedObject(body));
    writes.push(name);
    return applied(body);
  });
  const clock = {
    now: () => 0,
    sleep: async () => {
      writes.push('a wait');
    },
  };
  const target = createIstioTarget({ client: wire.client, clock });
  const other = meshPolicy(
    { target: { host: 'other', port: 8080 } },
    { name: 'a-new-one', uid: 'n' },
  );
  await (await target.read()).program(traffic, { resync: false });
  writes.length = 0;
  const back = meshPolicy({ rules: [{ split: [{ version: 'v2', weight: 1 }] }] });
  const next = compile([other, back], []);
  const outcomes = await (await target.read()).program(next, { resync: false });
  t.deepEqual(writes, [
    'destinationrules/a-new-one',
    'destinationrules/proxy',
    'virtualservices/proxy',
    'a wait',
    'virtualservices/a-new-one',
  ]);
  t.deepEqual(
    [...outcomes.values()].map(({ state }) => state),
    ['acknowledged', 'acknowledged'],
  );
});

test('versions are written before their routes, and a conflict is for who reads everything again', async (t) => {
  const wire = await onWire(
    t,
    answering(({ path, body }) =>
      path.includes('destinationrules') ? applied(body) : refusal(409, 'somebody has written'),
    ),
  );
  await t.throwsAsync(programmed(wire), { code: 'CLV_CONFLICT' });
  t.deepEqual(
    wire.asked.filter(isWrite).map(({ path }) => path.split('/').at(-2)),
    ['destinationrules', 'virtualservices'],
  );
});

test('what is refused of one policy is its own, and what is about all of them is thrown', async (t) => {
  for (const [code, message] of [
    [403, 'may not patch'],
    [422, 'no such field'],
    [400, 'strict decoding'],
  ] as const) {
    const wire = await onWire(
      t,
      answering(() => refusal(code, message)),
    );
    t.like(await programmed(wire), { state: 'rejected', message, version: 0 });
  }
  const down = await onWire(
    t,
    answering(() => refusal(500, 'etcd is full')),
  );
  await t.throwsAsync(programmed(down), { code: 'CLV_KUBERNETES_UNREACHABLE' });
});

test('a Service that is not there, or lacks the port, is asked for before anything is written', async (t) => {
  for (const [ofService, message] of [
    [refusal(404), 'spec.target.host: there is no Service shop/proxy'],
    [reply({ spec: {} }), 'spec.target.port: the Service shop/proxy has no port 8080, but none'],
  ] as const) {
    const wire = await onWire(
      t,
      answering(() => refusal(500), ofService),
    );
    t.like(await programmed(wire), { state: 'rejected', reason: 'TargetNotFound', message });
    t.false(wire.asked.some(isWrite));
  }
});

test('an object of its name that somebody else made is refused by name', async (t) => {
  const foreign = { kind: virtualService, namespace: 'shop', name: 'proxy', spec: {} };
  const metadata = { name: 'proxy', namespace: 'shop', uid: 'f', resourceVersion: '3' };
  const wire = await onWire(t, ({ path, query }) => {
    if (path.includes('/services/')) return service;
    return listed(
      path.endsWith('virtualservices') && query['labelSelector'] === undefined
        ? [{ ...answerOf(foreign), metadata }]
        : [],
      '1',
    );
  });
  t.like(await programmed(wire), {
    state: 'rejected',
    reason: 'ForeignOwner',
    message:
      'the VirtualService shop/proxy was not made by Clover, and has the name: Clover does not touch it',
  });
  t.false(wire.asked.some(isWrite));
});

/** An API that keeps what is written, and has this of somebody else from when it is told. */
function keeping(foreign: () => readonly object[]) {
  const kept = new Map<string, object>();
  return ({ method, path, query, body }: Asked): Answer => {
    if (path.includes('/services/')) return service;
    if (method !== 'GET') {
      kept.set(path, appliedObject(body));
      return applied(body);
    }
    const plural = path.split('/').at(-1) ?? '';
    const own = [...kept].flatMap(([key, object]) => (key.includes(`/${plural}/`) ? [object] : []));
    const isRoutes = plural === 'virtualservices' && query['labelSelector'] === undefined;
    return listed([...own, ...(isRoutes ? foreign() : [])], '1');
  };
}

const other = {
  metadata: { name: 'mine', namespace: 'shop' },
  spec: { hosts: ['proxy'] },
};

test('a change of weights asks for nobody else’s objects; new names, and a resync, do', async (t) => {
  const foreign: object[] = [];
  const wire = await onWire(
    t,
    keeping(() => foreign),
  );
  const target = createIstioTarget({ client: wire.client, clock: systemClock, leadMs: 0 });
  const lists = async (form: typeof traffic, resync: boolean): Promise<number> => {
    const before = wire.asked.length;
    await (await target.read()).program(form, { resync });
    const asked = wire.asked.slice(before).filter(({ path }) => path.includes('istio'));
    return asked.filter(({ method, query }) => method === 'GET' && !('labelSelector' in query))
      .length;
  };
  const shifted = compile(
    [
      meshPolicy({
        rules: [
          {
            split: [
              { version: 'v1', weight: 1 },
              { version: 'v2', weight: 9 },
            ],
          },
        ],
      }),
    ],
    [],
  );
  t.is(await lists(traffic, false), 3, 'one for each kind');
  t.is(await lists(shifted, false), 0);
  t.is(await lists(shifted, true), 3);
});

test('what a resync has refused for another owner is refused until that one is gone', async (t) => {
  const foreign: object[] = [];
  const wire = await onWire(
    t,
    keeping(() => foreign),
  );
  const target = createIstioTarget({ client: wire.client, clock: systemClock, leadMs: 0 });
  const stateOf = async (resync: boolean): Promise<string | undefined> =>
    (await (await target.read()).program(traffic, { resync })).get('shop/proxy')?.state;
  t.is(await stateOf(false), 'acknowledged');
  foreign.push(other);
  t.is(await stateOf(true), 'rejected');
  t.is(await stateOf(false), 'rejected');
  foreign.length = 0;
  t.is(await stateOf(false), 'acknowledged');
});
