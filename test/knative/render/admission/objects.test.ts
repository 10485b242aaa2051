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
