import test, { type ExecutionContext } from 'ava';
import { watchEnvoys, type Envoys } from '../../../functions/ingress/envoys.ts';
import { directory, sliceOf } from './examples.ts';

const ports = { external: 8080, internal: 8081 };
const service = 'shop/ingress';
const podAddress = '10.0.0.1';

const endpoint = (address: string, ready: boolean, terminating = false): object => ({
  addresses: [address],
  conditions: { ready, terminating },
});

interface Bench {
  readonly envoys: Envoys;
  readonly changes: readonly boolean[];
  /** Looks once more, and finds what it is told of the two ports of the own Envoy. */
  readonly look: (external: boolean, internal?: boolean) => Promise<void>;
}

function bench(t: ExecutionContext, endpoints: readonly object[] = []): Bench {
  const stop = new AbortController();
  const found = new Map<number, boolean>();
  let begin = Promise.withResolvers<void>();
  let end = Promise.withResolvers<void>();
  const changes: boolean[] = [];
  const envoys = watchEnvoys({
    prober: {
      isUp: async ({ port }) => {
        await begin.promise;
        return found.get(port) === true;
      },
    },
    directory: directory([], [sliceOf('ingress', [], { endpoints })]),
    ports,
    service,
    podAddress,
    clock: {
      now: () => 0,
      sleep: async () => {
        begin = Promise.withResolvers();
        end.resolve();
      },
    },
    signal: stop.signal,
    onChange: (isUp) => changes.push(isUp),
  });
  t.teardown(() => {
    stop.abort();
    begin.resolve();
  });
  const look: Bench['look'] = async (external, internal = external) => {
    found.set(ports.external, external).set(ports.internal, internal);
    end = Promise.withResolvers();
    begin.resolve();
    await end.promise;
  };
  return { envoys, changes, look };
}

test('an Envoy is up when both of its ports answer, and down when they have not three times', async (t) => {
  const { envoys, changes, look } = bench(t);
  t.is(envoys.isUp(), undefined);
  await look(true);
  t.true(envoys.isUp());
  await look(false);
  await look(true, false);
  t.true(envoys.isUp(), 'a pause of a busy machine');
  await look(false, true);
  t.false(envoys.isUp());
  t.deepEqual(envoys.addresses(), []);
  await look(false);
  await look(true);
  t.deepEqual(changes, [true, false, true]);
});

test('a first look that finds nobody says nothing yet', async (t) => {
  const { envoys, changes, look } = bench(t);
  await look(false);
  await look(false);
  t.is(envoys.isUp(), undefined);
  await look(false);
  t.deepEqual(changes, [false]);
});

test('others are those that are ready; the own one is asked at its own address', async (t) => {
  const others = [endpoint('10.0.0.2', true), endpoint('10.0.0.3', false)];
  const { envoys, look } = bench(t, [endpoint(podAddress, true), ...others]);
  await look(true);
  t.deepEqual(envoys.addresses(), ['127.0.0.1', '10.0.0.2']);
  t.false(envoys.isEnding());
});

test('a pod is to end when its own endpoint says so', (t) => {
  t.true(bench(t, [endpoint(podAddress, false, true)]).envoys.isEnding());
  t.false(bench(t, [endpoint('10.0.0.2', false, true)]).envoys.isEnding());
});
