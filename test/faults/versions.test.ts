import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { isRecord } from '../../functions/lib/plain-value.ts';
import { customResourceDefinition } from '../../knative/crd.ts';
import { apiOfFile, makeNamespace } from '../cluster/api-of-file.ts';
import { assertNothingTwice } from './nothing-twice.ts';
import { applyExperiment, applyPolicy, openStand, until } from './stand.ts';

const apiTest = await apiOfFile();
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

type Part = 'spec' | 'status';

/** The value at a path of keys, which has to be an object. */
function at(value: unknown, ...path: readonly (string | number)[]): Record<string, unknown> {
  let found = value;
  for (const key of path)
    found = isRecord(found) || Array.isArray(found) ? Reflect.get(found, key) : undefined;
  if (!isRecord(found)) throw new Error(`nothing at ${path.join('.')}`);
  return found;
}

/** Serves the definition of Experiment as another version of Clover has it. */
async function serveDefinition(
  client: KubeClient,
  change: (fields: (part: Part) => Record<string, unknown>) => void,
): Promise<void> {
  const body: unknown = structuredClone(customResourceDefinition('Experiment'));
  const schema = at(body, 'spec', 'versions', 0, 'schema', 'openAPIV3Schema', 'properties');
  change((part) => at(schema, part, 'properties'));
  await client.call({
    method: 'PATCH',
    path: `${definitions}/experiments.clover.dev`,
    contentType: 'application/apply-patch+yaml',
    query: { fieldManager: 'test', force: 'true' },
    body,
  });
}

const objects = (namespace: string): string =>
  `/apis/clover.dev/v1alpha1/namespaces/${namespace}/experiments`;

apiTest(
  'with definitions that are older than the code, an experiment goes its way, without what they lack',
  async (t, { client }) => {
    t.timeout(120_000);
    const namespace = 'older';
    await makeNamespace(client, namespace);
    const stand = await openStand(t, { client, namespace });
    await serveDefinition(client, (fields) => {
      delete fields('status')['step'];
      delete fields('status')['weight'];
      delete fields('spec')['drill'];
    });
    await applyPolicy(stand, 'older.example');
    // What the user wants and the server does not know is refused, and never dropped.
    const drill = { fault: { delay: { duration: '1s' } }, expect: 'FAIL' };
    await until(async () => {
      const wanted = applyExperiment(stand, { drill });
      const error = await wanted.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error === undefined) return false;
      t.like(error, { code: 'CLV_RESOURCE_INVALID', details: [{ field: 'spec.drill' }] });
      return true;
    });
    await stand.resources.delete('Experiment', namespace, 'exp').catch(() => undefined);
    await until(async () => {
      await stand.tick();
      return (await stand.experiment()) === undefined;
    });

    await applyExperiment(stand);
    await until(async () => {
      await stand.report();
      await stand.tick();
      return (await stand.experiment())?.status.phase === 'Succeeded';
    });
    const status = (await stand.experiment())?.status;
    t.like(status, { verdict: 'PASS' });
    t.is(status?.step, undefined);
    t.is(status?.weight, undefined);
    t.is(stand.weight(), 100);
    await assertNothingTwice(t, stand);
    // The next test has the gateway for itself.
    await stand.resources.delete('TrafficPolicy', namespace, 'proxy');
  },
);

apiTest(
  'fields of definitions that are newer than the code stay, and a plan that is not understood does not run',
  async (t, { client }) => {
    t.timeout(120_000);
    const namespace = 'newer';
    await makeNamespace(client, namespace);
    const stand = await openStand(t, { client, namespace });
    await serveDefinition(client, (fields) => {
      fields('spec')['newer'] = { type: 'string' };
      fields('status')['newer'] = { type: 'string' };
    });
    await applyPolicy(stand, 'newer.example');
    const spec = { targetRef: { name: 'proxy' }, control: 'v1', variant: 'v2', newer: 'x' };
    const metadata = { name: 'exp', namespace };
    await until(async () => {
      await client.call({
        method: 'POST',
        path: objects(namespace),
        query: { fieldValidation: 'Strict' },
        body: { apiVersion: 'clover.dev/v1alpha1', kind: 'Experiment', metadata, spec },
      });
      return true;
    });
    await client.call({
      method: 'PATCH',
      path: `${objects(namespace)}/exp/status`,
      contentType: 'application/merge-patch+json',
      body: { status: { newer: 'y' } },
    });
    await stand.tick();
    const read = async (): Promise<unknown> =>
      client.call({ method: 'GET', path: `${objects(namespace)}/exp` });
    t.is(at(await read(), 'spec')['newer'], 'x');
    t.is(stand.weight(), undefined);
    const experiment = await stand.experiment();
    const progressing = experiment?.status.conditions?.find(({ type }) => type === 'Progressing');
    t.like(progressing, { status: 'False', reason: 'SpecNotUnderstood' });
    t.regex(progressing?.message ?? '', /spec\.plan\.newer: unknown field/);
    // Without it, it runs.
    await client.call({
      method: 'PATCH',
      path: `${objects(namespace)}/exp`,
      contentType: 'application/merge-patch+json',
      body: { spec: { newer: null } },
    });
    await stand.tick();
    t.is(stand.weight(), 50);
  },
);
