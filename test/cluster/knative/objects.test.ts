import test from 'ava';
import { fitRelease, readRelease } from './objects.ts';

const release = `
apiVersion: v1
kind: ConfigMap
metadata: { name: config-network, namespace: knative-serving }
data: { _example: text, ingress-class: theirs }
---
# A comment alone is an empty document.
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: { name: config.webhook }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: controller, namespace: knative-serving }
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 300
      containers:
        - name: controller
          image: ko://example.test/cmd/controller
          env: [{ name: QUEUE_IMAGE, value: ko://example.test/cmd/queue }]
          resources: { requests: { cpu: 300m } }
          readinessProbe: { httpGet: { port: 8080 }, initialDelaySeconds: 20 }
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: request-reply, namespace: knative-eventing }
spec: { template: { spec: { containers: [{ name: a, image: ko://example.test/cmd/reply }] } } }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: activator }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: routes.serving.knative.dev }
---
apiVersion: v1
kind: Namespace
metadata: { name: knative-serving }
`;

const stages = fitRelease(readRelease(release), {
  images: new Map([
    ['example.test/cmd/controller', 'dev.local/controller:1'],
    ['example.test/cmd/queue', 'dev.local/queue:1'],
  ]),
  settings: { 'config-network': { 'ingress-class': 'ours' } },
});

test('definitions come first, webhooks last, and what a small node has no use for not at all', (t) => {
  const { definitions, others, deployments, webhooks } = stages;
  const names = [definitions, others, deployments, webhooks].map((group) =>
    group.map(({ kind }) => kind),
  );
  t.deepEqual(names, [
    ['CustomResourceDefinition', 'Namespace'],
    ['ConfigMap'],
    ['Deployment'],
    ['ValidatingWebhookConfiguration'],
  ]);
});

test('settings are laid over those of the release', (t) => {
  t.deepEqual(stages.others[0]?.['data'], { _example: 'text', 'ingress-class': 'ours' });
});

test('programs that are built have images, wherever they are named; what needs another is left out', (t) => {
  const text = JSON.stringify(stages.deployments);
  t.true(text.includes('"image":"dev.local/controller:1"'));
  t.true(text.includes('"value":"dev.local/queue:1"'));
  t.false(text.includes('ko://'));
});

test('a pod asks for no share of a processor, is ready when it is, and ends at once', (t) => {
  t.like(stages.deployments[0], {
    spec: {
      template: {
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              resources: {},
              readinessProbe: {
                httpGet: { port: 8080 },
                initialDelaySeconds: 0,
                periodSeconds: 1,
              },
            },
          ],
        },
      },
    },
  });
});
