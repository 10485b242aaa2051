import type { V1ValidatingWebhookConfiguration } from '@kubernetes/client-node';
import { kinds } from '../../resources/kinds.ts';
import { apiVersion } from '../../resources/meta.ts';
import type { Installation } from '../installation.ts';
import { knativeAccounts, type Account } from '../access.ts';
import { controlPlaneAccount } from '../control-plane/access.ts';
import { commonLabels, type Rendered } from '../kubernetes-object.ts';
import { admission, configurationName } from './names.ts';

/** Namespaces that a cluster lives by: nothing of ours has a say there. */
const untouched = ['kube-node-lease', 'kube-public', 'kube-system'];

/**
 * When the API server asks, and what it does without an answer.
 *
 * - Ignore, after two seconds: structure and rules of CEL hold without the webhook, and who has to change a policy in an
 *   incident must not wait for it.
 * - Never of statuses, finalizers, labels or deletions, and never of Clover's own writes: no roll-back hangs on it. By the names of its
 *   accounts: another one of its namespace is a user's.
 * - No `caBundle`: the webhook writes its own.
 */
export function webhookConfiguration(
  installation: Installation,
): Rendered<V1ValidatingWebhookConfiguration> {
  const { namespace } = installation;
  const writers = writersOf(installation).map(
    ({ name }) => `'system:serviceaccount:${namespace}:${name}'`,
  );
  const [group = '', version = ''] = apiVersion.split('/');
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: {
      name: configurationName(installation),
      labels: commonLabels(installation, 'access', admission),
    },
    webhooks: [
      {
        name: `lint.${group}`,
        admissionReviewVersions: ['v1'],
        clientConfig: { service: { namespace, name: admission, path: '/validate', port: 443 } },
        rules: [
          {
            apiGroups: [group],
            apiVersions: [version],
            operations: ['CREATE', 'UPDATE'],
            // Subresources have names of their own: a status is none of these.
            resources: kinds.filter(({ writable }) => writable).map(({ plural }) => plural),
            scope: 'Namespaced',
          },
        ],
        failurePolicy: 'Ignore',
        timeoutSeconds: 2,
        matchPolicy: 'Equivalent',
        sideEffects: 'None',
        namespaceSelector: {
          matchExpressions: [
            { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: untouched },
          ],
        },
        matchConditions: [
          {
            name: 'spec-is-new',
            expression: "request.operation == 'CREATE' || object.spec != oldObject.spec",
          },
          {
            name: 'not-by-clover',
            expression: `!(request.userInfo.username in [${writers.join(', ')}])`,
          },
        ],
      },
    ],
  };
}

/** Clover's accounts that may write an object itself, and not its status alone. */
function writersOf(installation: Installation): readonly Account[] {
  const accounts = installation.knative
    ? knativeAccounts(installation)
    : [controlPlaneAccount(installation)];
  return accounts.filter(({ access }) =>
    access.some(({ verbs }) =>
      verbs.some((verb) => verb === 'create' || verb === 'patch' || verb === 'update'),
    ),
  );
}
