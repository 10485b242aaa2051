import test from 'ava';
import { z } from 'zod';
import { admissionObjects } from '../../../../knative/render/admission/objects.ts';
import { webhookConfiguration } from '../../../../knative/render/admission/webhook.ts';
import { installationOf } from '../installations.ts';

const deployment = z.object({
  kind: z.literal('Deployment'),
  spec: z.object({
    template: z.object({
      spec: z.object({
        terminationGracePeriodSeconds: z.int().default(30),
        containers: z.tuple([
          z.object({
            lifecycle: z.object({
              preStop: z.object({ sleep: z.object({ seconds: z.int() }) }),
            }),
          }),
        ]),
      }),
    }),
  }),
});

test('a pod of the webhook that goes still answers until API servers ask it no more', (t) => {
  const [pod, ...others] = admissionObjects(installationOf({})).flatMap(
    (object) => deployment.safeParse(object).data?.spec.template.spec ?? [],
  );
  t.deepEqual(others, []);
  const seconds = pod?.containers[0].lifecycle.preStop.sleep.seconds ?? 0;
  t.is(seconds, 5);
  // What it has in hand is answered in what is left: an API server waits two seconds.
  t.true((pod?.terminationGracePeriodSeconds ?? 0) > seconds + 2);
});

const exemptOf = (knative: boolean): readonly string[] => {
  const { webhooks = [] } = webhookConfiguration(installationOf({ knative }));
  const condition = webhooks[0]?.matchConditions?.find(({ name }) => name === 'not-by-clover');
  return [...(condition?.expression ?? '').matchAll(/'([^']+)'/g)].map(([, name = '']) => name);
};

test('the webhook is not asked about what Clover writes, and about everybody else', (t) => {
  const { namespace } = installationOf({});
  const account = (name: string): string => `system:serviceaccount:${namespace}:${name}`;
  t.deepEqual(exemptOf(false), [account('control-plane')]);
  t.deepEqual(exemptOf(true), [account('api'), account('evaluate')]);
});

const budgetOf = (replicas: number): readonly unknown[] =>
  admissionObjects(installationOf({ admission: { replicas } })).flatMap((object) =>
    object.kind === 'PodDisruptionBudget' && 'spec' in object ? [object.spec] : [],
  );

test('of several pods of the webhook one may go at a time; a single one may as well', (t) => {
  const matchLabels = {
    'app.kubernetes.io/name': 'admission',
    'app.kubernetes.io/instance': 'clover-system',
  };
  t.deepEqual(budgetOf(1), []);
  t.deepEqual(budgetOf(2), [{ maxUnavailable: 1, selector: { matchLabels } }]);
});

test('an API server asks of new specifications alone, and goes on after two seconds without an answer', (t) => {
  const { webhooks = [] } = webhookConfiguration(installationOf({ namespace: 'nfv' }));
  t.deepEqual(
    webhooks.map(({ matchConditions, ...webhook }) => ({
      ...webhook,
      matchConditions: matchConditions?.map(({ name }) => name),
    })),
    [
      {
        name: 'lint.clover.dev',
        admissionReviewVersions: ['v1'],
        clientConfig: {
          service: { namespace: 'nfv', name: 'admission', path: '/validate', port: 443 },
        },
        rules: [
          {
            apiGroups: ['clover.dev'],
            apiVersions: ['v1alpha1'],
            operations: ['CREATE', 'UPDATE'],
            resources: ['experiments', 'taps', 'trafficpolicies'],
            scope: 'Namespaced',
          },
        ],
        failurePolicy: 'Ignore',
        timeoutSeconds: 2,
        matchPolicy: 'Equivalent',
        sideEffects: 'None',
        namespaceSelector: {
          matchExpressions: [
            {
              key: 'kubernetes.io/metadata.name',
              operator: 'NotIn',
              values: ['kube-node-lease', 'kube-public', 'kube-system'],
            },
          ],
        },
        matchConditions: ['spec-is-new', 'not-by-clover'],
      },
    ],
  );
  const [condition] = webhooks[0]?.matchConditions ?? [];
  t.is(
    condition?.expression,
    "request.operation == 'CREATE' || object.spec != oldObject.spec",
    'never of labels, finalizers or annotations',
  );
});
