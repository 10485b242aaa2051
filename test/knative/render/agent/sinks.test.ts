import test from 'ava';
import { z } from 'zod';
import { parseAgentConfig } from '../../../../agent/config.ts';
import { agentObjects } from '../../../../knative/render/agent/objects.ts';
import { bytesOf } from '../../../../knative/render/quantity.ts';
import { installationOf, type InstallationInput } from '../installations.ts';

const configMap = z.object({
  kind: z.literal('ConfigMap'),
  data: z.object({ 'agent.json': z.string() }),
});
const named = z.looseObject({ name: z.string() });
const daemonSet = z.object({
  kind: z.literal('DaemonSet'),
  spec: z.object({
    template: z.object({
      spec: z.object({
        containers: z.tuple([z.object({ volumeMounts: z.array(named) })]),
        volumes: z.array(named),
      }),
    }),
  }),
});

const isSinks = ({ name }: { readonly name: string }): boolean => name === 'sinks';

function rendered(sinks: NonNullable<InstallationInput['agent']>['sinks']) {
  const objects = agentObjects(installationOf({ agent: { sinks } }));
  const [map] = objects.flatMap((object) => configMap.safeParse(object).data ?? []);
  const [set] = objects.flatMap((object) => daemonSet.safeParse(object).data ?? []);
  const env = {
    NODE_NAME: 'n1',
    K_SINK: 'http://broker',
    KUBERNETES_SERVICE_HOST: '10.0.0.1',
    KUBERNETES_SERVICE_PORT: '443',
  };
  const { containers, volumes } = set?.spec.template.spec ?? {};
  return {
    config: parseAgentConfig(map?.data['agent.json'] ?? '', env).sinks,
    volume: volumes?.find(isSinks),
    mount: containers?.[0].volumeMounts.find(isSinks),
  };
}

test('sinks are in the configuration as the agent reads it, and what is secret of them in a volume', (t) => {
  const { config, volume, mount } = rendered({
    jaeger: { endpoint: 'http://jaeger.observe:4317', protocol: 'grpc' },
    vendor: {
      endpoint: 'https://otlp.example',
      headers: { 'x-team': 'a' },
      tokenSecret: { name: 'vendor', key: 'api-key' },
      caSecret: { name: 'vendor-ca', key: 'ca.crt' },
      spoolSize: '16Mi',
    },
  });
  t.deepEqual(config, {
    jaeger: {
      endpoint: 'http://jaeger.observe:4317',
      protocol: 'grpc',
      headers: {},
      spoolLimitBytes: 64 * 2 ** 20,
    },
    vendor: {
      endpoint: 'https://otlp.example',
      protocol: 'http',
      headers: { 'x-team': 'a' },
      tokenFile: '/etc/clover/sinks/vendor/token',
      caFile: '/etc/clover/sinks/vendor/ca.pem',
      spoolLimitBytes: 16 * 2 ** 20,
    },
  });
  t.deepEqual(volume, {
    name: 'sinks',
    projected: {
      sources: [
        { secret: { name: 'vendor', items: [{ key: 'api-key', path: 'vendor/token' }] } },
        { secret: { name: 'vendor-ca', items: [{ key: 'ca.crt', path: 'vendor/ca.pem' }] } },
      ],
    },
  });
  t.deepEqual(mount, { name: 'sinks', mountPath: '/etc/clover/sinks', readOnly: true });
});

test('without secrets of sinks nothing is mounted', (t) => {
  const { config, volume, mount } = rendered({ here: { endpoint: 'http://collector:4318' } });
  t.deepEqual(Object.keys(config), ['here']);
  t.is(volume, undefined);
  t.is(mount, undefined);
});

test('the least and the most that may wait on a node are what an agent takes', (t) => {
  for (const spoolSize of ['64Ki', '1Pi']) {
    const { config } = rendered({ here: { endpoint: 'http://collector:4318', spoolSize } });
    t.is(config['here']?.spoolLimitBytes, bytesOf(spoolSize));
  }
});
