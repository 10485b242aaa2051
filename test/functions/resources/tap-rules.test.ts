import test from 'ava';
import { admitDocument } from '../../../functions/resources/admission.ts';
import { examples } from './examples.ts';

const admitted = (spec: object) => admitDocument('Tap', { ...examples.Tap, spec });

test('egress says where connections go as ip:port, with a network, IPv6 in brackets and the pods they are of', (t) => {
  const good = [
    '10.0.0.5:5432',
    '10.0.0.0/8:65535',
    '0.0.0.0/0:1',
    '[2001:db8::5]:443',
    '[2001:db8::/32]:443:web',
    '10.0.0.5:5432:web-7f9c.x',
  ];
  t.notThrows(() => admitted({ egress: good }));
  const bad = [
    '10.0.0.5',
    '10.0.0.5:0',
    '10.0.0.5:65536',
    '10.0.0.256:80',
    '10.0.0/8:80',
    '10.0.0.0/33:80',
    '2001:db8::5:443',
    '[2001:db8::g]:443',
    '[2001:db8::/129]:443',
    '[10.0.0.5]:443',
    'db.shop:5432',
    '10.0.0.5:5432:',
    '10.0.0.5:5432:Web',
    '',
  ];
  for (const one of bad) {
    t.throws(() => admitted({ egress: [one] }), { message: /spec\.egress\[0\]/ }, one);
  }
  t.throws(() => admitted({ egress: ['10.0.0.256:80'] }), {
    message: /must have an IPv4 or IPv6 address/,
  });
  t.throws(() => admitted({ egress: ['db:80'] }), {
    message: /must be `ip:port` or `ip:port:pod`, for example/,
  });
});

test('an access log needs sinks to go to', (t) => {
  t.throws(() => admitted({ accessLog: true }), {
    code: 'CLV_RESOURCE_INVALID',
    message: 'Tap "web" is invalid: spec.accessLog: found true; needs sinks',
  });
  t.notThrows(() => admitted({ accessLog: true, sinks: ['loki'] }));
  t.notThrows(() => admitted({ accessLog: false }));
});
