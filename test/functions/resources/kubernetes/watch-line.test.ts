import test from 'ava';
import { readWatchLine } from '../../../../functions/resources/kubernetes/watch-line.ts';
import { goneLine, line } from './wire.ts';

const read = (value: unknown): ReturnType<typeof readWatchLine> =>
  readWatchLine(JSON.stringify(value));

test('a line names its object and its place', (t) => {
  const given = line('MODIFIED', 'a', '7', { spec: { ports: [80] } });
  t.like(read(given), { type: 'MODIFIED', uid: 'a', resourceVersion: '7', isWhole: false });
  t.like(read(given).object, { spec: { ports: [80] } });
});

test('only the bookmark that says so ends the first set', (t) => {
  const annotations = { 'k8s.io/initial-events-end': 'true' };
  const metadata = { resourceVersion: '7', annotations };
  t.true(read({ type: 'BOOKMARK', object: { metadata } }).isWhole);
  t.false(read({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '7' } } }).isWhole);
  t.false(read({ type: 'ADDED', object: { metadata } }).isWhole);
});

test('an error in place of a change is thrown, and so is what is no line', (t) => {
  t.throws(() => read(goneLine), { code: 'CLV_RESOURCE_GONE' });
  t.throws(() => read({ type: 'ERROR', object: {} }), { code: 'CLV_KUBERNETES_UNREACHABLE' });
  for (const text of ['', '{"type":"ADDED"', '{}', '{"type":"MOVED"}', '{"type":"ADDED"}']) {
    t.throws(() => readWatchLine(text), { code: 'CLV_INTERNAL' }, text);
  }
});
