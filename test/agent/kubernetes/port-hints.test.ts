import test from 'ava';
import { readPod, type KubePod } from '../../../agent/kubernetes/pod-object.ts';
import { portHints } from '../../../agent/kubernetes/port-hints.ts';
import { protocolOf } from '../../../agent/kubernetes/port-names.ts';
import { readService, type KubeService } from '../../../agent/kubernetes/service-object.ts';

for (const [name, protocol] of [
  ['http', 'http'],
  ['http-web', 'http'],
  ['HTTP', 'http'],
  ['http2', 'http2'],
  ['grpc-cart', 'http2'],
  ['grpc-web', 'http'],
  ['grpc-web-cart', 'http'],
  ['https-admin', 'tls'],
  ['dns-tcp', 'dns'],
  ['kubernetes.io/h2c', 'http2'],
  ['kubernetes.io/ws', 'http'],
  ['postgres-main', 'postgresql'],
  ['kafka', 'kafka'],
  ['', undefined],
  ['web', undefined],
  ['tcp-redis', undefined],
  ['mongo', undefined],
  ['httpd', undefined],
  ['example.com/http', undefined],
] as const) {
  test(`"${name}" says ${protocol ?? 'nothing'}`, (t) => t.is(protocolOf(name), protocol));
}

const metadata = { uid: 'u-1', namespace: 'shop', name: 'web', labels: { app: 'web', tier: 'x' } };

const podWith = (...ports: readonly object[]): KubePod => {
  const read = readPod({ metadata, spec: { containers: [{ name: 'app', ports }] } });
  if (read === undefined) throw new Error('no pod');
  return read;
};

const service = (
  ports: readonly object[],
  { namespace = 'shop', selector = { app: 'web' } }: { namespace?: string; selector?: object } = {},
): KubeService[] => {
  const read = readService({ metadata: { namespace }, spec: { selector, ports } });
  return read === undefined ? [] : [read];
};

test("a container's own name for a port says what it speaks, over TCP alone", (t) => {
  const pod = podWith(
    { name: 'redis-main', containerPort: 6379 },
    { name: 'http', containerPort: 80, protocol: 'UDP' },
    { containerPort: 81 },
    { name: 'web', containerPort: 82 },
  );
  t.deepEqual(portHints(pod, []), [{ port: 6379, protocol: 'redis' }]);
});

test("a Service's appProtocol goes before its name for the port, and that before the container's", (t) => {
  const pod = podWith(
    { name: 'http-a', containerPort: 1 },
    { name: 'http-b', containerPort: 2 },
    { name: 'http-c', containerPort: 3 },
  );
  const services = service([
    { name: 'redis', appProtocol: 'kafka', port: 80, targetPort: 'http-a' },
    { name: 'mysql-x', port: 81, targetPort: 2 },
    { name: 'web', port: 82, targetPort: 3 },
  ]);
  t.deepEqual(portHints(pod, services), [
    { port: 1, protocol: 'kafka' },
    { port: 2, protocol: 'mysql' },
    { port: 3, protocol: 'http' },
  ]);
});

test('an appProtocol that says nothing of it hides the name of its port', (t) => {
  const services = service([{ name: 'http', appProtocol: 'example.com/own', port: 80 }]);
  t.deepEqual(portHints(podWith(), services), []);
});

test('a port without a target is the same at the pod', (t) => {
  t.deepEqual(portHints(podWith(), service([{ name: 'sip', port: 5060 }])), [
    { port: 5060, protocol: 'sip' },
  ]);
});

test('Services say nothing of pods of another namespace, of others than they select, and without a selector of any', (t) => {
  const ports = [{ name: 'redis', port: 6379 }];
  for (const wish of [
    { namespace: 'ops' },
    { selector: { app: 'web', tier: 'y' } },
    { selector: {} },
    { selector: { app: 'db' } },
  ])
    t.deepEqual(portHints(podWith(), service(ports, wish)), []);
  t.is(portHints(podWith(), service(ports, { selector: { app: 'web', tier: 'x' } })).length, 1);
});

test('of a port of which two Services say two things, nothing is said', (t) => {
  const [one, other] = [
    service([{ name: 'redis', port: 6379 }]),
    service([{ name: 'kafka', port: 6379 }]),
  ];
  const pod = podWith({ name: 'redis', containerPort: 6379 });
  t.deepEqual(portHints(pod, [...one, ...other]), []);
  t.deepEqual(portHints(pod, [...one, ...one]), [{ port: 6379, protocol: 'redis' }]);
  const declared = service([{ appProtocol: 'redis', port: 6379 }]);
  t.deepEqual(portHints(pod, [...one, ...other, ...declared]), [{ port: 6379, protocol: 'redis' }]);
});

test('of a Service is kept what its ports say, and nothing of one that says nothing', (t) => {
  const [kept] = service([
    { name: 'http', port: 80, targetPort: 'web' },
    { name: 'dns', port: 53, protocol: 'UDP' },
    { name: 'metrics', port: 9090 },
  ]);
  t.deepEqual(kept, {
    namespace: 'shop',
    selector: { app: 'web' },
    ports: [{ target: 'web', protocol: 'http', declared: false }],
  });
  t.deepEqual(service([{ name: 'metrics', port: 9090 }]), []);
  t.deepEqual(service([], { selector: {} }), []);
  t.throws(() => readService({ metadata: {}, spec: {} }));
});
