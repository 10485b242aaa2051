import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { z } from 'zod';
import {
  parseNotifications,
  type Notifications,
} from '../../../functions/host/notifications-config.ts';
import { webhookName } from '../../../knative/catalogue.ts';
import { renderInstallation } from '../../../knative/render/render-installation.ts';
import { installationOf, type InstallationInput } from './installations.ts';
import { destination, specs, specsOf } from './rendered.ts';

const signed = 'https://chat.example/clover';
const plain = 'https://tickets.example/';
const notifications: InstallationInput['notifications'] = [
  { url: signed, signingSecret: { name: 'chat', key: 'secret' }, types: ['VerdictFail'] },
  { url: plain },
];
const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const tokens = { callers: 'a-token-for-the-tests', agents: 'a-token-for-the-agents' };

const volumes = z.array(
  z.looseObject({
    name: z.string(),
    projected: z
      .object({
        sources: z.array(
          z.object({
            secret: z.object({
              name: z.string(),
              items: z.array(z.object({ key: z.string(), path: z.string() })),
            }),
          }),
        ),
      })
      .optional(),
  }),
);
const mounts = z.array(z.object({ name: z.string(), mountPath: z.string() }));

interface Pod {
  readonly volumes: unknown;
  readonly volumeMounts: unknown;
}

/** Reads a configuration as the process does, with what its pod has in files. */
async function readIn(pod: Pod, configuration: string): Promise<Notifications> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-webhooks-'));
  try {
    const volume = volumes.parse(pod.volumes).find(({ projected }) => projected !== undefined);
    const mount = mounts.parse(pod.volumeMounts).find(({ name }) => name === volume?.name);
    for (const { secret: source } of volume?.projected?.sources ?? []) {
      if (source.name !== 'chat') throw new Error(`there is no Secret ${source.name}`);
      for (const { key, path } of source.items) {
        await writeFile(join(folder, path), key === 'secret' ? secret : '');
      }
    }
    return parseNotifications(configuration.replaceAll(mount?.mountPath ?? '-', folder));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const expected = [{ url: signed, secret, types: ['VerdictFail'] }, { url: plain }];

test('the control plane in one process tells the webhooks of the installation, and signs by the Secrets that it names', async (t) => {
  const objects = renderInstallation(installationOf({ knative: false, notifications }), tokens);
  const named = objects.filter(({ metadata }) => metadata.name === 'control-plane');
  const { data } = z
    .object({ data: z.object({ 'host.json': z.string() }) })
    .parse(named.find(({ kind }) => kind === 'ConfigMap'));
  const text = data['host.json'];
  t.false(text.includes(secret));
  const config = z.looseObject({ notifications: z.unknown() }).parse(JSON.parse(text));
  const deployment = z.object({
    spec: z.object({
      template: z.object({
        spec: z.object({
          volumes: z.unknown(),
          containers: z.tuple([z.object({ volumeMounts: z.unknown() })]),
        }),
      }),
    }),
  });
  const pod = deployment.parse(named.find(({ kind }) => kind === 'Deployment')).spec.template.spec;
  const [{ volumeMounts }] = pod.containers;
  const read = await readIn({ ...pod, volumeMounts }, JSON.stringify(config.notifications));
  t.deepEqual(read, expected);
});

test('on Knative notify has the webhooks, and each has a Trigger with a queue of its own', async (t) => {
  const installation = installationOf({ notifications });
  const services = specsOf(installation, specs.service);
  const withWebhooks = services.filter(({ spec }) =>
    spec.template.spec.containers[0].env.some(({ name }) => name === 'NOTIFICATIONS'),
  );
  t.deepEqual(
    withWebhooks.map(({ object }) => object.metadata.name),
    ['notify'],
  );
  const pod = withWebhooks[0]?.spec.template.spec;
  const container = pod?.containers[0];
  const text = container?.env.find(({ name }) => name === 'NOTIFICATIONS')?.value ?? '';
  t.false(text.includes(secret));
  const { volumeMounts } = container ?? {};
  t.deepEqual(await readIn({ volumes: pod?.volumes, volumeMounts }, text), expected);

  const triggers = specsOf(installation, specs.trigger).filter(
    ({ spec }) => spec.subscriber.uri !== undefined,
  );
  t.deepEqual(
    triggers.map(({ object, spec }) => [
      object.metadata.name,
      spec.broker,
      spec.subscriber,
      spec.filters?.length,
    ]),
    [
      [signed, 2],
      [plain, 1],
    ].map(([url, filters]) => {
      const name = webhookName(String(url));
      return [name, 'clover', { ...destination('notify'), uri: `/functions/${name}` }, filters];
    }),
  );
  for (const { object, spec } of triggers) {
    t.deepEqual(spec.delivery, {
      retry: 10,
      backoffPolicy: 'exponential',
      backoffDelay: 'PT1S',
      timeout: 'PT15S',
      deadLetterSink: {
        ...destination('ingest'),
        uri: `/deadletters/${object.metadata.name}`,
      },
    });
  }
});

test('without notifications, and without a Secret, nothing is mounted for them', (t) => {
  for (const some of [[], [{ url: plain }]]) {
    for (const { spec } of specsOf(installationOf({ notifications: some }), specs.service)) {
      t.is(spec.template.spec.volumes, undefined);
      t.is(spec.template.spec.containers[0].volumeMounts, undefined);
    }
  }
});
