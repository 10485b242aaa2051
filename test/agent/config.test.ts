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
  t.deepEqual(config.capture, {});
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
