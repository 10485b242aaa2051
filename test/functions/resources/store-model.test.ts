import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { systemClock } from '../../../functions/lib/clock.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { createLocalStore } from '../../../functions/resources/local-store.ts';
import type { ApplyInput, ResourceStore } from '../../../functions/resources/store.ts';
import type { AnyResource } from '../../../knative/resources/kinds.ts';
import { examples } from './examples.ts';
import { StoreModel, type ModelAnswer, type ModelObject } from './store-model.ts';
import { sorted, StoreReplica, tableOf } from './store-replica.ts';
import { by } from './store-suite/harness.ts';

const keys = [
  { kind: 'Tap', namespace: 'one', name: 'a' },
  { kind: 'TrafficPolicy', namespace: 'one', name: 'b' },
] as const;
type Key = (typeof keys)[number];
const textOf = ({ kind, namespace, name }: Key): string => `${kind}/${namespace}/${name}`;

/** An object as it was read, on both sides. */
interface Read {
  readonly model: ModelObject;
  readonly real: AnyResource;
}

/** The store under test, and how what it gives out belongs to the model. */
class Bench {
  readonly replicas: StoreReplica[] = [];
  readonly reads = new Map<string, Read[]>();
  private readonly names = new Map<string, string>();
  store: ResourceStore;
  private readonly t: ExecutionContext;
  private readonly open: () => ResourceStore;

  constructor(t: ExecutionContext, open: () => ResourceStore) {
    this.t = t;
    this.open = open;
    this.store = open();
  }

  /** An object of the key as it once was; 0: as it was read last. */
  read(key: Key, age: number): Read | undefined {
    return this.reads.get(textOf(key))?.at(-1 - age);
  }

  async reopen(): Promise<void> {
    await this.store.close();
    for (const replica of this.replicas) await replica.ended();
    this.store = this.open();
    for (const replica of this.replicas) replica.resume(this.store);
  }

  /** Does it on both sides, and compares the answers, and everything that there is then. */
  async same(
    model: StoreModel,
    key: Key,
    answer: ModelAnswer,
    work: () => Promise<AnyResource>,
    isStored = true,
  ): Promise<void> {
    const real = await work().catch((error: unknown) => {
      if (error instanceof CloverError) return error.code;
      throw error;
    });
    if (typeof real === 'string' || typeof answer === 'string') {
      const code: unknown = real;
      this.t.is(code, answer);
    } else if (isStored) {
      this.equal(key, answer, real);
    }
    const table = await tableOf(this.store);
    this.t.deepEqual([...table.keys()].sort(), [...model.objects.keys()].sort());
    for (const one of keys) {
      const [expected, found] = [model.objects.get(textOf(one)), table.get(textOf(one))];
      if (expected !== undefined && found !== undefined) this.equal(one, expected, found);
    }
  }

  private equal(key: Key, model: ModelObject, real: AnyResource): void {
    const { metadata } = real;
    const { wish, fact, label, finalizers, generation, isDeleted } = model;
    this.t.is(this.nameOf('incarnation', model.incarnation, metadata.uid), metadata.uid);
    const { resourceVersion } = metadata;
    this.t.is(this.nameOf('token', model.token, resourceVersion), resourceVersion);
    this.t.deepEqual(
      [wishOf(real), factOf(real), metadata.labels, metadata.finalizers ?? [], metadata.generation],
      [wish, fact, label === undefined ? undefined : { label }, finalizers, generation],
    );
    this.t.is(metadata.deletionTimestamp !== undefined, isDeleted);
    const reads = this.reads.get(textOf(key)) ?? [];
    this.reads.set(textOf(key), reads);
    if (reads.at(-1)?.model.token !== model.token) reads.push({ model, real });
  }

  /** What the store calls something of the model: the same name always, and that of nothing else. */
  private nameOf(what: string, id: number, name: string): string | undefined {
    const known = this.names.get(`${what} ${id}`);
    if (known !== undefined) return known;
    if (this.names.has(`${what} is ${name}`)) return undefined;
    this.names.set(`${what} ${id}`, name).set(`${what} is ${name}`, '');
    return name;
  }
}

function inputOf({ kind, namespace, name }: Key, wish: number, label?: string): ApplyInput {
  const metadata = { name, namespace, ...(label === undefined ? {} : { labels: { label } }) };
  if (kind === 'Tap') return { kind, metadata, spec: { ports: [wish] } };
  return {
    kind,
    metadata,
    spec: { ...examples.TrafficPolicy.spec, target: { host: '*', port: wish } },
  };
}

function wishOf(real: AnyResource): number | undefined {
  if (real.kind === 'Tap') return real.spec.ports?.[0];
  return real.kind === 'TrafficPolicy' ? real.spec.target.port : undefined;
}

const factOf = (real: AnyResource): number | undefined =>
  real.kind === 'TrafficPolicy' ? real.status.observedGeneration : undefined;

type Command = fc.AsyncCommand<StoreModel, Bench>;

function command(text: string, run: Command['run']): Command {
  return { check: () => true, run, toString: () => text };
}

const key = fc.constantFrom(...keys);
/** Which of the reads of the object, the newest first. */
const age = fc.constantFrom(0, 0, 0, 1, 2);
const finalizers = fc.constantFrom(
  undefined,
  [],
  ['clover.dev/one'],
  ['clover.dev/two'],
  ['clover.dev/one', 'clover.dev/two'],
);

const applies = fc
  .record({
    at: key,
    wish: fc.integer({ min: 1, max: 3 }),
    label: fc.constantFrom(undefined, 'x', 'y'),
    dryRun: fc.boolean(),
    when: fc.oneof(fc.constant(undefined), age, fc.constant('absent' as const)),
  })
  .map(({ at, wish, label, dryRun, when }) =>
    command(`apply ${textOf(at)} ${wish} ${label} ${dryRun} ${when}`, async (model, bench) => {
      const read = typeof when === 'number' ? bench.read(at, when) : undefined;
      const only = when === 'absent' || read !== undefined;
      const answer = model.apply(textOf(at), {
        wish,
        label,
        dryRun,
        ...(only ? { token: read?.model.token ?? 0 } : {}),
      });
      const options = {
        ...by,
        dryRun,
        ...(only ? { resourceVersion: read?.real.metadata.resourceVersion ?? '' } : {}),
      };
      const work = () => bench.store.applySpec(inputOf(at, wish, label), options);
      await bench.same(model, at, answer, work, !dryRun);
    }),
  );

const patches = fc
  .record({ at: key, fact: fc.option(fc.nat(2), { nil: undefined }), finalizers, when: age })
  .map(({ at, fact, finalizers: left, when }) =>
    command(
      `patch ${textOf(at)} ${fact} [${left?.join() ?? 'same'}] ${when}`,
      async (model, bench) => {
        const read = bench.read(at, when);
        if (read === undefined) return;
        const { real } = read;
        // Taps have no facts.
        const said = real.kind === 'TrafficPolicy' ? fact : undefined;
        const answer = model.patch(textOf(at), read.model, said, left);
        await bench.same(model, at, answer, () =>
          bench.store.patchStatus(
            real,
            said === undefined ? {} : { observedGeneration: said },
            left,
          ),
        );
      },
    ),
  );

const removals = fc
  .record({ at: key, when: fc.oneof(fc.constant(undefined), age) })
  .map(({ at, when }) =>
    command(`delete ${textOf(at)} ${when}`, async (model, bench) => {
      const read = when === undefined ? undefined : bench.read(at, when);
      const answer = model.remove(textOf(at), read?.model);
      const { kind, namespace, name } = at;
      const wanted = read?.real.metadata;
      const preconditions =
        wanted === undefined ? {} : { uid: wanted.uid, resourceVersion: wanted.resourceVersion };
      const work = () => bench.store.delete(kind, namespace, name, preconditions);
      await bench.same(model, at, answer, work);
    }),
  );

const openings = fc.constantFrom(
  command('reopen', async (_, bench) => bench.reopen()),
  command('watch', async (_, bench) => {
    const replica = new StoreReplica();
    await replica.start(bench.store);
    bench.replicas.push(replica);
  }),
);

test('any sequence of operations is as in the model, and every watch ends up with what there is', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'clv-model-'));
  t.teardown(() => rm(folder, { recursive: true }));
  let runs = 0;
  const commands = fc.array(
    fc.oneof(applies, applies, patches, patches, patches, removals, openings),
    {
      minLength: 15,
      maxLength: 40,
      size: 'max',
    },
  );
  await fc.assert(
    fc.asyncProperty(commands, fc.constantFrom(3, 10_000), async (sequence, keepChanges) => {
      const path = join(folder, `${(runs += 1)}.db`);
      const bench = new Bench(t, () => createLocalStore({ path, clock: systemClock, keepChanges }));
      try {
        await fc.asyncModelRun(() => ({ model: new StoreModel(), real: bench }), sequence);
        const metadata = { namespace: 'two', name: 'z' };
        await bench.store.applySpec({ kind: 'Tap', metadata, spec: {} }, by);
        const table = await tableOf(bench.store);
        for (const replica of bench.replicas) {
          t.deepEqual(sorted(await replica.until('Tap/two/z')), sorted(table));
          t.deepEqual(replica.contradictions, []);
          if (keepChanges > 3) t.is(replica.restarts, 0);
        }
      } finally {
        for (const replica of bench.replicas) await replica.close();
        await bench.store.close();
      }
    }),
    { numRuns: 50 },
  );
});
