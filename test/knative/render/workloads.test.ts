import test from 'ava';
import { restricted } from './rendered.ts';
import { bothForms, workloadsOf, type Workload } from './workloads.ts';

/** What every part is told of where its pods go. */
const placed = {
  tolerations: [{ key: 'edge', operator: 'Exists' as const }],
  priorityClass: 'control',
};
const changes = { ...placed, agent: placed, admission: { replicas: 3 } };
const forms = bothForms(changes).map(([, objects]) => workloadsOf(objects));

/** The least with which programs come into the kernel. */
const ofAgents = {
  runAsUser: 0,
  runAsGroup: 0,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'], add: ['BPF', 'NET_ADMIN', 'PERFMON'] },
  seccompProfile: { type: 'RuntimeDefault' },
  seLinuxOptions: { type: 'spc_t', level: 's0' },
};

test('every container but the agents’ is as tight as "restricted" asks, and those have three capabilities more', (t) => {
  const seen = forms.flatMap((workloads) =>
    [...workloads].map(([title, { template }]) => {
      const all = [...template.spec.initContainers, ...template.spec.containers];
      for (const { name, securityContext } of all) {
        t.deepEqual(securityContext, name === 'agent' ? ofAgents : restricted, title);
      }
      return title;
    }),
  );
  const functions = ['api', 'evaluate', 'ingest', 'notify', 'policy'];
  t.deepEqual(seen, [
    ...functions.map((name) => `Service ${name}`),
    'Deployment admission',
    'DaemonSet agent',
    'Deployment control-plane',
    'Deployment admission',
    'DaemonSet agent',
  ]);
});

const { tolerations, priorityClass: priorityClassName } = placed;

/** As the kubelet asks: a start may take its time, and what has started has not. */
const probes = (at: object, startSeconds: number) => ({
  startupProbe: {
    httpGet: { ...at, path: '/health/live' },
    periodSeconds: 1,
    failureThreshold: startSeconds,
  },
  readinessProbe: { httpGet: { ...at, path: '/health/ready' }, periodSeconds: 2 },
  livenessProbe: { httpGet: { ...at, path: '/health/live' }, periodSeconds: 10 },
});
const labelsOf = (name: string) => ({
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/instance': 'clover-system',
});

interface Expected {
  readonly workload: object;
  readonly pod: object;
  readonly container: object;
}

const agent: Expected = {
  workload: {
    selector: { matchLabels: labelsOf('agent') },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    minReadySeconds: 10,
  },
  pod: {
    serviceAccountName: 'agent',
    enableServiceLinks: false,
    hostPID: true,
    hostNetwork: true,
    dnsPolicy: 'ClusterFirstWithHostNet',
    terminationGracePeriodSeconds: 45,
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations,
    priorityClassName,
  },
  container: {
    args: ['--config', '/etc/clover/config/agent.json'],
    ports: [],
    ...probes({ host: '127.0.0.1', port: 9465 }, 60),
    resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '96Mi' } },
  },
};
const admission: Expected = {
  workload: { replicas: 3, selector: { matchLabels: labelsOf('admission') } },
  pod: {
    serviceAccountName: 'admission',
    enableServiceLinks: false,
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: labelsOf('admission') },
      },
    ],
    tolerations,
    priorityClassName,
  },
  container: {
    ports: [{ name: 'https', containerPort: 8443 }],
    ...probes({ port: 'https', scheme: 'HTTPS' }, 60),
    lifecycle: { preStop: { sleep: { seconds: 5 } } },
    resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '128Mi' } },
  },
};
const controlPlane: Expected = {
  workload: {
    replicas: 1,
    strategy: { type: 'Recreate' },
    selector: { matchLabels: labelsOf('control-plane') },
  },
  pod: {
    serviceAccountName: 'control-plane',
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 40,
    securityContext: { fsGroup: 65_532, fsGroupChangePolicy: 'OnRootMismatch' },
    tolerations,
    priorityClassName,
  },
  container: {
    args: ['--config', '/etc/clover/config/host.json'],
    ports: [{ name: 'http', containerPort: 7700 }],
    ...probes({ port: 'http' }, 600),
    resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
  },
};

const without = (record: object, ...names: readonly string[]): object =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));

/** Whole, but for what other tests hold: labels, images, environment, volumes. */
const shapeOf = (workload: Workload): Expected => {
  const { initContainers, containers, ...pod } = workload.template.spec;
  const [container = {}, ...others] = [...containers, ...initContainers];
  if (others.length > 0) throw new Error('there is another container');
  return {
    workload: without(workload, 'template'),
    pod: without(pod, 'volumes'),
    container: without(container, 'name', 'image', 'env', 'securityContext', 'volumeMounts'),
  };
};

for (const [title, expected] of Object.entries({
  'DaemonSet agent': agent,
  'Deployment admission': admission,
  'Deployment control-plane': controlPlane,
})) {
  test(`${title} is as it was meant: its place, its probes, its limits, how it comes and goes`, (t) => {
    const found = forms.flatMap((workloads) => workloads.get(title) ?? []);
    t.true(found.length > 0);
    for (const one of found) t.deepEqual(shapeOf(one), expected);
  });
}
