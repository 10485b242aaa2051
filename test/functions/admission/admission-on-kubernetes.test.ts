import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { z } from 'zod';
import { webhookFinding } from '../../../cloverctl/doctor/webhook-finding.ts';
import { objectPath, placeOf } from '../../../cloverctl/installation/collections.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import {
  createKubeClient,
  type KubeClient,
} from '../../../functions/resources/kubernetes/client.ts';
import { accessObjects } from '../../../knative/render/access.ts';
import { controlPlaneAccount } from '../../../knative/render/control-plane/access.ts';
import { admissionObjects } from '../../../knative/render/admission/objects.ts';
import { configurationName } from '../../../knative/render/admission/names.ts';
import { webhookConfiguration } from '../../../knative/render/admission/webhook.ts';
import { installationSchema } from '../../../knative/render/installation.ts';
import type { KubernetesObject } from '../../../knative/render/kubernetes-object.ts';
import { apiOfFile, makeNamespace, type ApiOfFile } from '../../cluster/api-of-file.ts';
import { kubectl, kubectlWith } from '../../cluster/kubectl.ts';
import { changedAt } from '../../conformance/crd/documents.ts';
import { examples } from '../resources/examples.ts';
import { accountToken } from '../../cloverctl/installation/cluster.ts';
import { ownNamespace, startWebhook } from './running-webhook.ts';

const apiTest = await apiOfFile();

const installation = installationSchema.parse({
  knative: false,
  version: '1.0.0',
  clickhouse: { url: 'http://c:8123', passwordSecret: { name: 'c', key: 'p' } },
});
const configuration = configurationName(installation);

async function apply(client: KubeClient, object: KubernetesObject): Promise<void> {
  await client.call({
    method: 'PATCH',
    path: objectPath(placeOf(object)),
    contentType: 'application/apply-patch+yaml',
    query: { fieldManager: 'install', fieldValidation: 'Strict', force: 'true' },
    body: object,
  });
}

/** The webhook as it is rendered, at an address of loopback in place of the Service. */
function atPort(port: number, failurePolicy: 'Fail' | 'Ignore'): KubernetesObject {
  const rendered = structuredClone(webhookConfiguration(installation));
  for (const webhook of rendered.webhooks ?? []) {
    webhook.clientConfig = { url: `https://localhost:${port}/validate` };
    webhook.failurePolicy = failurePolicy;
  }
  return rendered;
}

const policyPath = '/apis/clover.dev/v1alpha1/namespaces/shop/trafficpolicies';
const good = examples.TrafficPolicy;
const bad = changedAt(good, ['spec', 'rules', '0', 'match', '1', 'path'], { regex: '(?=x)' });
const place = 'spec.rules[0].match[1].path.regex';

/** Fields that are refused; `taken` when none is; else the code of what went wrong. */
async function applied(client: KubeClient, document: unknown, dryRun = false): Promise<string> {
  try {
    await client.call({
      method: 'PATCH',
      path: `${policyPath}/proxy`,
      contentType: 'application/apply-patch+yaml',
      query: { fieldManager: 'user', force: 'true', ...(dryRun && { dryRun: 'All' }) },
      body: document,
    });
    return 'taken';
  } catch (error) {
    if (!(error instanceof CloverError)) throw error;
    return error.details.map(({ field }) => field).join(' ') || error.code;
  }
}

/** Applies what is rendered, and starts one webhook that the API server asks. */
async function withWebhook(
  t: ExecutionContext,
  api: ApiOfFile,
  failurePolicy: 'Fail' | 'Ignore',
  lifetime?: string,
) {
  const { client } = api;
  await makeNamespace(client, ownNamespace);
  await makeNamespace(client, 'shop');
  for (const object of admissionObjects(installation)) {
    if (object.kind !== 'ValidatingWebhookConfiguration') await apply(client, object);
  }
  // Its port has to be free until it listens, and is known before: the configuration is there when it first looks.
  await apply(client, atPort(1, failurePolicy));
  const webhook = await startWebhook(t, api, {
    configuration,
    ...(lifetime !== undefined && { lifetime }),
  });
  await apply(client, atPort(webhook.port, failurePolicy));
  // The API server reads its own configuration by a watch.
  while ((await applied(client, bad, true)) !== place) await sleep(20);
  return webhook;
}

apiTest(
  'an API server takes every object of the webhook as it is rendered',
  async (t, { client }) => {
    await makeNamespace(client, ownNamespace);
    const objects = admissionObjects(installation);
    for (const object of objects) await apply(client, object);
    t.is(new Set(objects.map(({ kind }) => kind)).size, objects.length);
    const disabled = { ...installation.admission, enabled: false };
    t.deepEqual(admissionObjects({ ...installation, admission: disabled }), []);
  },
);

apiTest(
  'kubectl hears what lint refuses, by field, and what is surely not meant',
  async (t, api) => {
    await withWebhook(t, api, 'Fail');
    const { tier } = api;
    const asFile = async (document: unknown): Promise<string> => {
      const encoded = JSON.stringify(document);
      return kubectlWith(tier, encoded, 'apply', '--server-side', '--filename=-');
    };
    const error = await t.throwsAsync(asFile(bad));
    t.regex(
      error.message,
      /The TrafficPolicy "proxy" is invalid: spec\.rules\[0\]\.match\[1\]\.path\.regex: found "/,
    );
    const slow = changedAt(good, ['spec', 'rules', '0', 'timeout'], '1ms');
    const faulty = changedAt(slow, ['spec', 'rules', '0', 'split', '1', 'fault'], {
      delay: { duration: '1s' },
    });
    t.regex(
      await asFile(faulty),
      /Warning: spec\.rules\[0\]\.split\[1\]\.fault\.delay\.duration: 1s is no shorter/,
    );
    t.notRegex(await asFile(good), /Warning/);
  },
);

apiTest(
  'while the webhook is down, users go on, and rules of the definition hold',
  async (t, api) => {
    const { client } = api;
    const webhook = await withWebhook(t, api, 'Ignore');
    t.is(await applied(client, bad), place);
    t.is((await webhookFinding(client)).state, 'good');
    t.is(await webhook.end(), 0);
    t.is((await webhookFinding(client)).state, 'doubtful', 'doctor tells, where nothing else does');
    // What lint would have refused is taken; the policy's condition tells.
    t.is(await applied(client, bad), 'taken');
    const broken = changedAt(good, ['spec', 'rules', '0', 'timeout'], '0s');
    t.is(await applied(client, broken), 'spec.rules[0].timeout');
    // Back again, it lets what it would refuse be labelled and mended, and no more.
    await startWebhook(t, api, { configuration, port: webhook.port });
    const labelled = changedAt(bad, ['metadata', 'labels'], { team: 'edge' });
    t.is(await applied(client, labelled), 'taken');
    const worse = changedAt(bad, ['spec', 'target', 'port'], 8_081);
    while ((await applied(client, worse, true)) !== place) await sleep(20);
    t.is(await applied(client, good), 'taken');
  },
);

apiTest(
  'no status, finalizer, deletion or write of Clover waits for the webhook, even where it must answer',
  async (t, api) => {
    const { client, connection } = api;
    const webhook = await withWebhook(t, api, 'Fail');
    t.is(await applied(client, good), 'taken');
    await webhook.end();
    const other = changedAt(good, ['spec', 'target', 'port'], 8_081);
    while ((await applied(client, other, true)) === 'taken') await sleep(20);

    const merge = async (path: string, body: object): Promise<unknown> =>
      client.call({
        method: 'PATCH',
        path: `${policyPath}/proxy${path}`,
        contentType: 'application/merge-patch+json',
        body,
      });
    await merge('/status', { status: { snapshot: 7 } });
    await merge('', { metadata: { finalizers: ['clover.dev/test'], labels: { a: 'b' } } });
    // An account of the installation, with the rights that it has for the API's sake.
    const account = 'control-plane';
    for (const object of accessObjects(installation, [controlPlaneAccount(installation)])) {
      await apply(client, object);
    }
    const as = async (name: string): Promise<KubeClient> => {
      const token = await accountToken(client, ownNamespace, name);
      return createKubeClient({
        server: connection.server,
        options: async () => ({
          ...(await connection.options()),
          headers: { authorization: `Bearer ${token}` },
        }),
      });
    };
    t.is(await applied(await as(account), other), 'taken');
    // A user's account that only has the same namespace, and the same rights.
    for (const object of accessObjects(installation, [
      { ...controlPlaneAccount(installation), name: 'operator' },
    ])) {
      await apply(client, object);
    }
    t.is(await applied(await as('operator'), good), 'CLV_KUBERNETES_UNREACHABLE');
    await client.call({ method: 'DELETE', path: `${policyPath}/proxy` });
    await merge('', { metadata: { finalizers: null } });
    t.is(await applied(client, good, true), 'CLV_KUBERNETES_UNREACHABLE');
  },
);

apiTest(
  'certificates change, and not one request fails; replicas show the same',
  async (t, api) => {
    const { client } = api;
    const lifetime = '12s';
    const first = await withWebhook(t, api, 'Fail', lifetime);
    const second = await startWebhook(t, api, { configuration, lifetime });
    const seen = new Set<string>();
    let asked = 0;
    while (seen.size < 3) {
      t.is(await applied(client, bad, true), place);
      asked += 1;
      seen.add(await first.certificate());
      // The other way in: whoever is asked has to be trusted.
      if (asked % 25 === 0) {
        const { port } = asked % 50 === 0 ? first : second;
        await apply(client, atPort(port, 'Fail'));
      }
    }
    t.true(asked > 30);
    while ((await first.certificate()) !== (await second.certificate())) await sleep(20);
    t.pass();
  },
);

apiTest('replicas that start at once agree on one certificate', async (t, api) => {
  const { client } = api;
  const webhook = await withWebhook(t, api, 'Fail');
  await webhook.end();
  await client.call({
    method: 'PATCH',
    path: `/api/v1/namespaces/${ownNamespace}/secrets/admission-certificate`,
    contentType: 'application/merge-patch+json',
    body: { data: null },
  });
  const all = await Promise.all([1, 2, 3].map(async () => startWebhook(t, api, { configuration })));
  const shown = await Promise.all(all.map(async (each) => each.certificate()));
  t.is(new Set(shown).size, 1);
  for (const { port } of all) {
    await apply(client, atPort(port, 'Fail'));
    t.is(await applied(client, bad, true), place);
  }
});

const allowed = z.string().transform((text) => text.trim());

apiTest(
  'the account of the webhook reads and writes two objects by name, and nothing else',
  async (t, { tier, client }) => {
    await makeNamespace(client, ownNamespace);
    for (const object of admissionObjects(installation)) await apply(client, object);
    const can = async (verb: string, what: string, ...more: string[]): Promise<string> => {
      const as = `--as=system:serviceaccount:${ownNamespace}:admission`;
      const args = ['auth', 'can-i', verb, what, as, ...more];
      return allowed.parse(await kubectl(tier, ...args).catch(() => 'no'));
    };
    const here = `--namespace=${ownNamespace}`;
    t.is(await can('get', 'secret/admission-certificate', here), 'yes');
    t.is(await can('patch', 'secret/admission-certificate', here), 'yes');
    t.is(await can('patch', `validatingwebhookconfiguration/${configuration}`), 'yes');
    for (const [verb, what, ...more] of [
      ['list', 'secrets', here],
      ['create', 'secrets', here],
      ['get', 'secret/control-plane-token', here],
      ['get', 'secret/admission-certificate', '--namespace=default'],
      ['patch', 'validatingwebhookconfiguration/another'],
      ['delete', `validatingwebhookconfiguration/${configuration}`],
      ['get', 'trafficpolicies', '--namespace=shop'],
    ] as const) {
      t.is(await can(verb, what, ...more), 'no', `${verb} ${what}`);
    }
  },
);
