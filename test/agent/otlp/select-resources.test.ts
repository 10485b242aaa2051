import test from 'ava';
import fc from 'fast-check';
import { selectResources } from '../../../agent/otlp/select-resources.ts';
import { decodeSpans } from '../../native/capture/otlp.ts';
import { batchOf } from './traced.ts';

test('the part for a sink has the spans of its pods, and says how many', async (t) => {
  const batch = await batchOf({ web: 3, db: 2, cache: 1 });
  const part = selectResources(batch.otlp, (uid) => uid !== 'db');
  const spans = decodeSpans(part?.otlp ?? Buffer.alloc(0));
  t.is(part?.spans, 4);
  t.deepEqual(
    spans.map(({ resource }) => resource['k8s.pod.uid']),
    ['web', 'web', 'web', 'cache'],
  );
  t.deepEqual(
    decodeSpans(batch.otlp).filter(({ resource }) => resource['k8s.pod.uid'] !== 'db'),
    spans,
  );
  t.is(
    selectResources(batch.otlp, () => false),
    undefined,
  );
});

test('any bytes are read without an error', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      selectResources(Buffer.from(bytes), () => true);
    }),
  );
  t.pass();
});
