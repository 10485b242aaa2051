import test from 'ava';
import { parseAgentConfig } from '../../agent/config.ts';
import { CloverError } from '../../functions/lib/errors.ts';

const good = {
  node: { uid: 'node-1', name: 'first' },
  podsFile: 'pods.json',
  controlPlane: { url: 'http://127.0.0.1:8080', token: 'secret' },
  listen: { port: 0 },
  spool: { dir: 'spool' },
};

const fieldsOf = (config: unknown): string[] => {
  try {
    parseAgentConfig(typeof config === 'string' ? config : JSON.stringify(config));
    return [];
  } catch (error) {
    if (!(error instanceof CloverError)) throw error;
    return error.details.map((detail) => detail.field);
  }
};

test('a minimal configuration gets its defaults', (t) => {
  const config = parseAgentConfig(JSON.stringify(good));
  t.is(config.listen.host, '127.0.0.1');
  t.is(config.spool.limitBytes, 256 * 1024 * 1024);
  t.deepEqual(config.capture, { ringBytes: 64 * 1024 * 1024 });
});

test('an unknown key is an error that names it with its path', (t) => {
  t.deepEqual(fieldsOf({ ...good, colour: 1 }), ['colour']);
  t.deepEqual(fieldsOf({ ...good, spool: { dir: 'spool', limit: 5 } }), ['spool.limit']);
});

test('wrong values are errors that name their key', (t) => {
  t.deepEqual(fieldsOf({ ...good, capture: { ringBytes: 5000 } }), ['capture.ringBytes']);
  t.deepEqual(fieldsOf({ ...good, controlPlane: { url: 'ftp://x', token: 'a' } }), [
    'controlPlane.url',
  ]);
  t.deepEqual(fieldsOf({ ...good, node: { uid: 'a/b', name: 'x' }, podsFile: 7 }), [
    'node.uid',
    'podsFile',
  ]);
});

test('text that is not JSON is a configuration error', (t) => {
  const error = t.throws(() => parseAgentConfig('{'), { instanceOf: CloverError });
  t.is(error.code, 'CLV_CONFIG_INVALID');
});

const inPod = {
  kubernetes: {},
  listen: { port: 0 },
  spool: { dir: 'spool' },
};
const env = { NODE_NAME: 'worker-1', POD_NAMESPACE: 'clover-system', K_SINK: 'http://broker/a/b' };

test('in a pod the node, the namespace and the broker come from the environment', (t) => {
  const config = parseAgentConfig(
    JSON.stringify({
      ...inPod,
      ingest: { url: 'http://ingest.clover-system' },
      untapped: ['knative-eventing'],
    }),
    { ...env, K_CE_OVERRIDES: '{"extensions":{"cluster":"east"}}', KUBERNETES_SERVICE_HOST: '::1' },
  );
  t.deepEqual(config.node, { uid: 'worker-1', name: 'worker-1' });
  t.deepEqual([...config.untapped], ['knative-eventing', 'clover-system']);
  t.is(config.spans.url, 'http://ingest.clover-system');
  t.like(config.evidence, { url: 'http://broker/a/b', extensions: { cluster: 'east' } });
  const ingest = { url: 'http://ingest.clover-system' };
  const bare = { ...env, K_CE_OVERRIDES: '' };
  t.like(parseAgentConfig(JSON.stringify({ ...inPod, ingest }), bare).evidence, {
    url: 'http://broker/a/b',
    extensions: {},
  });
  t.is(config.capture.ringBytes, 16 * 1024 * 1024);
  t.like(config.source, { kubernetes: { env: { KUBERNETES_SERVICE_HOST: '::1' } } });
});

const scrapeOf = (kubernetes: object, variables: Record<string, string>) =>
  parseAgentConfig(JSON.stringify({ ...inPod, kubernetes, ingest: { url: 'http://ingest' } }), {
    ...env,
    ...variables,
  }).scrape;

test('scrapes are served at the address of the pod, where a port is said for them', (t) => {
  t.is(scrapeOf({}, { POD_IP: '10.0.0.7' }), undefined);
  t.is(scrapeOf({}, { POD_IP: '' }), undefined, 'of a node that has no address yet');
  const asked = { metricsPort: 9_465 };
  t.deepEqual(scrapeOf(asked, { POD_IP: '10.0.0.7' }), { host: '10.0.0.7', port: 9_465 });
  t.deepEqual(scrapeOf(asked, { POD_IP: 'fd00::7' }), { host: 'fd00::7', port: 9_465 });
});

test('a control plane in one process takes both, unless one of them has a place of its own', (t) => {
  const controlPlane = { url: 'http://clover:8080/', tokenFile: '/token' };
  const both = parseAgentConfig(JSON.stringify({ ...inPod, controlPlane }), { NODE_NAME: 'a' });
  t.like(both.spans, { url: 'http://clover:8080/functions/ingest', tokenFile: '/token' });
  t.like(both.evidence, { url: 'http://clover:8080/broker', tokenFile: '/token', extensions: {} });
  const bound = parseAgentConfig(JSON.stringify({ ...inPod, controlPlane }), env);
  t.like(bound.spans, { url: 'http://clover:8080/functions/ingest' });
  t.is(bound.evidence.url, 'http://broker/a/b');
  t.is(bound.evidence.tokenFile, undefined, 'a token is for its receiver alone');
});

test('what is missing is named, with what would do', (t) => {
  const ingest = { url: 'http://ingest' };
  const of = (config: object, variables: Record<string, string>): string =>
    t.throws(() => parseAgentConfig(JSON.stringify(config), variables), {
      instanceOf: CloverError,
      code: 'CLV_CONFIG_INVALID',
    }).message;
  t.regex(of({ ...inPod, ingest }, { K_SINK: 'http://b' }), /node: is missing.*NODE_NAME/);
  t.regex(of(inPod, env), /ingest: is missing/);
  t.regex(of({ ...inPod, ingest }, { NODE_NAME: 'a' }), /controlPlane: .*K_SINK/);
  t.regex(of({ ...inPod, podsFile: 'x' }, env), /podsFile: give either podsFile or kubernetes/);
  t.regex(of({ ...good, controlPlane: undefined }, {}), /controlPlane: is missing/);
  t.regex(of({ ...inPod, ingest }, { ...env, K_SINK: 'ftp://b' }), /K_SINK: must be an http/);
  t.regex(of({ ...inPod, ingest }, { ...env, K_CE_OVERRIDES: '{' }), /not JSON/);
  const scraped = { ...inPod, kubernetes: { metricsPort: 9_465 }, ingest };
  t.regex(of(scraped, env), /kubernetes\.metricsPort: takes POD_IP/);
  t.regex(of(scraped, { ...env, POD_IP: 'node.example' }), /POD_IP/);
  const twoTokens = { url: 'http://a', token: 'b', tokenFile: 'c' };
  t.regex(of({ ...good, controlPlane: twoTokens }, {}), /controlPlane: token and tokenFile/);
});
