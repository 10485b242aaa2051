import type {
  V1Deployment,
  V1PodDisruptionBudget,
  V1Secret,
  V1Service,
} from '@kubernetes/client-node';
import { imageOf } from '../image.ts';
import type { Installation } from '../installation.ts';
import {
  commonLabels,
  namespaced,
  selectorOf,
  type KubernetesObject,
  type Rendered,
} from '../kubernetes-object.ts';
import { portPolicy } from '../network-policy.ts';
import { amountsOf, probesOf, schedulingOf, spreadOver } from '../pod-parts.ts';
import { restrictedContext } from '../security-context.ts';
import { admissionAccess } from './access.ts';
import {
  admission,
  admissionPort,
  certificateSecret,
  configurationName,
  serverName,
} from './names.ts';
import { webhookConfiguration } from './webhook.ts';

/** As long as it takes every node to hear that a pod is none of its Service's any more. */
const leavingSeconds = 5;

/** It makes a certificate, or waits for that of another pod; Node may take its time on a busy machine. */
const startSeconds = 60;

/** Everything of the validating webhook, in the order in which it can be applied; nothing where it is switched off. */
export function admissionObjects(installation: Installation): KubernetesObject[] {
  if (!installation.admission.enabled) return [];
  return [
    ...admissionAccess(installation),
    ...portPolicy(installation, admission, admissionPort),
    certificate(installation),
    service(installation),
    ...budget(installation),
    deployment(installation),
    webhookConfiguration(installation),
  ];
}

/** Empty: the webhook fills it. It may not make one itself, for that right cannot be held to a name. */
function certificate(installation: Installation): Rendered<V1Secret> {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: namespaced(installation, 'access', certificateSecret, admission),
    type: 'Opaque',
  };
}

function service(installation: Installation): Rendered<V1Service> {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: namespaced(installation, 'access', admission, admission),
    spec: {
      selector: selectorOf(installation, admission),
      ports: [{ name: 'https', port: 443, targetPort: 'https' }],
    },
  };
}

/** One of several may go; a single one may as well. */
function budget(installation: Installation): Rendered<V1PodDisruptionBudget>[] {
  if (installation.admission.replicas < 2) return [];
  return [
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: namespaced(installation, 'access', admission, admission),
      spec: {
        maxUnavailable: 1,
        selector: { matchLabels: selectorOf(installation, admission) },
      },
    },
  ];
}

function deployment(installation: Installation): Rendered<V1Deployment> {
  const matchLabels = selectorOf(installation, admission);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: namespaced(installation, 'access', admission, admission),
    spec: {
      replicas: installation.admission.replicas,
      selector: { matchLabels },
      template: {
        metadata: { labels: commonLabels(installation, 'access', admission) },
        spec: {
          serviceAccountName: admission,
          enableServiceLinks: false,
          topologySpreadConstraints: spreadOver(matchLabels),
          ...schedulingOf(installation),
          containers: [container(installation)],
        },
      },
    },
  };
}

function container(installation: Installation) {
  const { admission: settings, logLevel, namespace } = installation;
  const port = 'https';
  const scheme = 'HTTPS';
  return {
    name: admission,
    image: imageOf(installation, admission),
    env: Object.entries({
      ADMISSION_CERTIFICATE_LIFETIME: settings.certificateLifetime,
      ADMISSION_CONFIGURATION: configurationName(installation),
      ADMISSION_NAMES: serverName(installation),
      ADMISSION_SECRET: certificateSecret,
      LOG_LEVEL: logLevel,
      POD_NAMESPACE: namespace,
      PORT: String(admissionPort),
    }).map(([name, value]) => ({ name, value })),
    ports: [{ name: port, containerPort: admissionPort }],
    ...probesOf({ port, scheme }, startSeconds),
    // API servers that do not know yet that it goes still ask it: a refused connection is taken for a yes.
    lifecycle: { preStop: { sleep: { seconds: leavingSeconds } } },
    resources: amountsOf(settings.resources),
    securityContext: restrictedContext(),
  };
}
