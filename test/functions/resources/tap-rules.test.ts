import test from 'ava';
import { admitDocument } from '../../../functions/resources/admission.ts';
import { examples } from './examples.ts';

const admitted = (spec: object) => admitDocument('Tap', { ...examples.Tap, spec });

test('an access log needs sinks to go to', (t) => {
  t.throws(() => admitted({ accessLog: true }), {
    code: 'CLV_RESOURCE_INVALID',
    message: 'Tap "web" is invalid: spec.accessLog: found true; needs sinks',
  });
  t.notThrows(() => admitted({ accessLog: true, sinks: ['loki'] }));
  t.notThrows(() => admitted({ accessLog: false }));
});
