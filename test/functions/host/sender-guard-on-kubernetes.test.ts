import { z } from 'zod';
import {
  createSenderGuard,
  type AdmitSender,
  type Senders,
} from '../../../functions/host/sender-guard.ts';
import type { CloverError } from '../../../functions/lib/errors.ts';
import type { KubeClient } from '../../../functions/resources/kubernetes/client.ts';
import { applyObject } from '../../../cloverctl/installation/apply-objects.ts';
import { accessObjects } from '../../../knative/render/access.ts';
import { agentObjects } from '../../../knative/render/agent/objects.ts';
import { audienceOf } from '../../../knative/render/audience.ts';
import { apiOfFile, makeNamespace } from '../../cluster/api-of-file.ts';
import { accountClient, accountToken } from '../../cloverctl/installation/cluster.ts';
import { installationOf } from '../../knative/render/installations.ts';

const apiTest = await apiOfFile();

const namespace = 'clover-system';
/** What a kubelet writes into a volume of the account, for this audience. */
const tokenOf = (client: KubeClient, of: string, account: string, audience?: string) =>
  accountToken(client, of, account, audience === undefined ? undefined : [audience]);

/** The guard of a function of a namespace, which asks by the account that `client` has. */
const guardOf = (client: KubeClient, of: string, name: string, senders: Senders): AdmitSender =>
  createSenderGuard({ client, namespace: of, name, agents: 'agent', sendersTo: () => senders });

const daemonSet = z.object({
  kind: z.literal('DaemonSet'),
  spec: z.object({
    template: z.object({
      spec: z.object({
        volumes: z.array(
          z.object({
            projected: z
              .object({
                sources: z.tuple([
                  z.object({ serviceAccountToken: z.object({ audience: z.string() }) }),
                ]),
              })
              .optional(),
          }),
        ),
      }),
    }),
  }),
});

apiTest(
  'ingest takes the token that the DaemonSet mounts, and of nobody else any',
  async (t, { tier, client }) => {
    t.timeout(120_000);
    const installation = installationOf({});
    const accounts = [...accessObjects(installation), ...agentObjects(installation)].filter(
      ({ apiVersion, kind }) => apiVersion.startsWith('rbac.') || kind === 'ServiceAccount',
    );
    for (const name of [namespace, 'shop']) await makeNamespace(client, name);
    const shopkeeper = { apiVersion: 'v1', kind: 'ServiceAccount' };
    for (const object of [
      ...accounts,
      { ...shopkeeper, metadata: { name: 'agent', namespace: 'shop', labels: {} } },
    ]) {
      await applyObject({ client, force: true }, object);
    }
    const [audience] = agentObjects(installation).flatMap(
      (object) =>
        daemonSet
          .safeParse(object)
          .data?.spec.template.spec.volumes.flatMap(
            ({ projected }) => projected?.sources[0].serviceAccountToken.audience ?? [],
          ) ?? [],
    );
    const asIngest = await accountClient(client, tier, namespace, 'ingest');
    const admit = guardOf(asIngest, namespace, 'ingest', 'agents');
    const codeOf = async (of: string, account: string, to = audience) => {
      const token = await tokenOf(client, of, account, to);
      return admit({ authorization: `Bearer ${token}`, path: '/' }).then(
        () => undefined,
        ({ code }: CloverError) => code,
      );
    };
    t.is(await codeOf(namespace, 'agent'), undefined);
    t.is(await codeOf(namespace, 'evaluate'), 'CLV_FORBIDDEN');
    t.is(await codeOf('shop', 'agent'), 'CLV_FORBIDDEN', 'of the same name');
    t.is(await codeOf(namespace, 'agent', 'elsewhere'), 'CLV_UNAUTHORIZED');
    const ofServer = await tokenOf(client, namespace, 'agent', undefined);
    await t.throwsAsync(admit({ authorization: `Bearer ${ofServer}`, path: '/' }), {
      code: 'CLV_UNAUTHORIZED',
    });
    const asEvaluate = await accountClient(client, tier, namespace, 'evaluate');
    const mayNot = guardOf(asEvaluate, namespace, 'ingest', 'agents');
    const token = await tokenOf(client, namespace, 'agent', audience);
    await t.throwsAsync(mayNot({ authorization: `Bearer ${token}`, path: '/' }), {
      code: 'CLV_KUBERNETES_FORBIDDEN',
    });
  },
);

apiTest(
  'the other functions take tokens of accounts of their namespace, also of those that were made anew, by the keys of the server',
  async (t, { tier, client }) => {
    t.timeout(120_000);
    const [of, name] = ['clover-eventing', 'evaluate'];
    const stranger = 'clover-eventing-stranger';
    for (const each of [of, stranger]) await makeNamespace(client, each);
    const make = (account: string, at = of) =>
      client.call({
        method: 'POST',
        path: `/api/v1/namespaces/${at}/serviceaccounts`,
        body: { metadata: { name: account } },
      });
    for (const account of [name, 'agent', 'ticks']) await make(account);
    await make('ticks', stranger);
    const asEvaluate = await accountClient(client, tier, of, name);
    const admit = guardOf(asEvaluate, of, name, 'eventing');
    const audience = audienceOf(of, name);
    const codeOf = (token: string) =>
      admit({ authorization: `Bearer ${token}`, path: '/' }).then(
        () => undefined,
        ({ code }: CloverError) => code,
      );
    const ticks = await tokenOf(client, of, 'ticks', audience);
    t.is(await codeOf(ticks), undefined);
    await client.call({ method: 'DELETE', path: `/api/v1/namespaces/${of}/serviceaccounts/ticks` });
    await make('ticks');
    t.is(await codeOf(ticks), undefined, 'Eventing keeps it for an hour');
    t.is(await codeOf(await tokenOf(client, of, 'ticks', undefined)), 'CLV_UNAUTHORIZED');
    t.is(await codeOf(await tokenOf(client, of, 'agent', audience)), 'CLV_FORBIDDEN');
    t.is(await codeOf(await tokenOf(client, stranger, 'ticks', audience)), 'CLV_FORBIDDEN');
    t.is(await codeOf(`${ticks.slice(0, -8)}AAAAAAAA`), 'CLV_UNAUTHORIZED');
  },
);
