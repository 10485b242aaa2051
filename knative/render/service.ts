import type { IService } from '@kubernetes-models/knative/serving.knative.dev/v1/Service';
import { environmentOf } from './environment.ts';
import type { DeployedFunction, FunctionRow } from './function-table.ts';
import { tokensMount, tokenVolumes } from './function-tokens.ts';
import { imageOf } from './image.ts';
import type { Installation } from './installation.ts';
import { commonLabels, namespaced, type Rendered } from './kubernetes-object.ts';
import { webhookMounts, webhookVolumes } from './notifications.ts';
import { amountsOf, schedulingOf } from './pod-parts.ts';
import { restrictedContext } from './security-context.ts';

/** Of every function: Serving's own default, and so what `PORT` says. */
export const functionPort = 8080;

/** The Knative Service of a function, which only the cluster reaches. */
export function functionService(
  installation: Installation,
  { row }: DeployedFunction,
): Rendered<IService> {
  const { name } = row;
  const metadata = namespaced(installation, 'function', name, name);
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, 'networking.knative.dev/visibility': 'cluster-local' },
    },
    spec: {
      template: {
        metadata: {
          labels: commonLabels(installation, 'function', name),
          annotations: scaling(installation, row),
        },
        spec: {
          serviceAccountName: name,
          enableServiceLinks: false,
          containerConcurrency:
            installation.functions[name]?.containerConcurrency ?? row.containerConcurrency,
          timeoutSeconds: row.timeoutSeconds,
          ...schedulingOf(installation),
          containers: [container(installation, row)],
          ...volumesOf(installation, row),
        },
      },
    },
  };
}

function scaling(installation: Installation, row: FunctionRow): Record<string, string> {
  const { minScale = 0, maxScale } = installation.functions[row.name] ?? {};
  // A least number above the greatest one is refused by Serving: the wish for more pods counts.
  const most = maxScale ?? Math.max(row.maxScale, minScale);
  return {
    'autoscaling.knative.dev/min-scale': String(Math.min(minScale, most)),
    'autoscaling.knative.dev/max-scale': String(most),
    ...(row.windowSeconds !== undefined && {
      'autoscaling.knative.dev/window': `${row.windowSeconds}s`,
    }),
  };
}

function container(installation: Installation, row: FunctionRow) {
  return {
    name: row.name,
    image: imageOf(installation, row.name),
    env: environmentOf(installation, row),
    ports: [{ name: 'http1', containerPort: functionPort }],
    // Without a period the queue-proxy asks every 50 ms: one of a second would be added to every cold start.
    readinessProbe: { httpGet: { path: '/health/ready', port: functionPort } },
    livenessProbe: { httpGet: { path: '/health/live', port: functionPort } },
    resources: amountsOf(installation.functions[row.name]?.resources ?? row.resources),
    securityContext: restrictedContext(),
    ...mountsOf(installation, row),
  };
}

/** What signs notifications is in files, and the tokens for other functions. */
function volumesOf(installation: Installation, row: FunctionRow) {
  const volumes = [
    ...(row.webhooks === true ? webhookVolumes(installation) : []),
    ...tokenVolumes(installation, row),
  ];
  return volumes.length > 0 && { volumes };
}

function mountsOf(installation: Installation, row: FunctionRow) {
  const volumeMounts = [
    ...(row.webhooks === true ? webhookMounts(installation) : []),
    ...tokenVolumes(installation, row).map(({ name }) => ({
      name,
      mountPath: tokensMount,
      readOnly: true,
    })),
  ];
  return volumeMounts.length > 0 && { volumeMounts };
}
