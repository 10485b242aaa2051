import test from 'ava';
import { z } from 'zod';
import { agentObjects } from '../../../../knative/render/agent/objects.ts';
import { installationOf, type InstallationInput } from '../installations.ts';

const daemonSet = z.object({
  kind: z.literal('DaemonSet'),
  spec: z.object({
    template: z.object({
      spec: z.object({
        nodeSelector: z.record(z.string(), z.string()),
        containers: z.tuple([
          z.object({
            securityContext: z.object({
              capabilities: z.object({ add: z.array(z.string()) }),
              privileged: z.boolean().default(false),
              seLinuxOptions: z.object({ type: z.string() }),
            }),
          }),
        ]),
      }),
    }),
  }),
});

const mounted = z.object({
  kind: z.literal('DaemonSet'),
  spec: z.object({
    template: z.object({
      spec: z.object({
        containers: z.tuple([
          z.object({ volumeMounts: z.array(z.looseObject({ name: z.string() })) }),
        ]),
        volumes: z.array(z.looseObject({ name: z.string() })),
      }),
    }),
  }),
});

const isToken = ({ name }: { readonly name: string }): boolean => name === 'token';

/** How an agent shows who it is: what is mounted where, and the file that its configuration names. */
function tokenOf(changes: Partial<InstallationInput>) {
  const objects = agentObjects(installationOf(changes));
  const [set] = objects.flatMap((object) => mounted.safeParse(object).data ?? []);
  const pod = set?.spec.template.spec;
  return {
    volume: pod?.volumes.find(isToken),
    mount: pod?.containers[0].volumeMounts.find(isToken),
    configured: /"tokenFile\\": \\"([^"\\]+)/.exec(JSON.stringify(objects))?.[1],
  };
}

const podOf = (changes: Partial<InstallationInput> = {}) => {
  const [set] = agentObjects(installationOf(changes)).flatMap(
    (object) => daemonSet.safeParse(object).data ?? [],
  );
  return set?.spec.template.spec;
};

const nodesOf = (changes: Partial<InstallationInput> = {}) => podOf(changes)?.nodeSelector;

const capabilitiesOf = (changes: Partial<InstallationInput> = {}) =>
  podOf(changes)?.containers[0].securityContext.capabilities.add;

test('agents are on nodes with Linux alone, though they bear all taints, and on those that are asked for', (t) => {
  const os = { 'kubernetes.io/os': 'linux' };
  t.deepEqual(nodesOf(), os);
  t.deepEqual(nodesOf({ agent: { nodeSelector: { pool: 'edge' } } }), { ...os, pool: 'edge' });
});

test('agents may look into processes where that is asked for', (t) => {
  const least = ['BPF', 'NET_ADMIN', 'PERFMON'];
  t.deepEqual(capabilitiesOf(), least);
  t.deepEqual(capabilitiesOf({ agent: { tls: true } }), [...least, 'SYS_PTRACE']);
});

test('agents have the type of SELinux that may use bpf, and are not privileged for it', (t) => {
  const context = podOf()?.containers[0].securityContext;
  t.like(context, { privileged: false, seLinuxOptions: { type: 'spc_t' } });
});

test('on Knative an agent has a token for ingest of the installation alone, which it finds where it is mounted', (t) => {
  const mount = { name: 'token', mountPath: '/etc/clover/token', readOnly: true };
  t.deepEqual(tokenOf({ namespace: 'judge' }), {
    volume: {
      name: 'token',
      projected: {
        sources: [
          {
            serviceAccountToken: {
              audience: 'serving.knative.dev/service/judge/ingest',
              expirationSeconds: 3_600,
              path: 'ingest',
            },
          },
        ],
      },
    },
    mount,
    configured: '/etc/clover/token/ingest',
  });
  t.deepEqual(tokenOf({ knative: false }), {
    volume: { name: 'token', secret: { secretName: 'agent-token' } },
    mount,
    configured: '/etc/clover/token/token',
  });
});
