import test from 'ava';
import type { Kind } from '../../../../knative/resources/kinds.ts';
import { CloverError } from '../../../../functions/lib/errors.ts';
import { admitDocument } from '../../../../functions/resources/admission.ts';
import { examples } from '../examples.ts';

function messages(kind: Kind, document: unknown): readonly string[] {
  try {
    admitDocument(kind, document);
    return [];
  } catch (error) {
    if (!(error instanceof CloverError)) throw error;
    return error.details.map(({ field, message }) => `${field}: ${message}`);
  }
}

test('where only one value is allowed, it is named and not guessed', (t) => {
  const { kind: _, ...without } = examples.TrafficPolicy;
  t.deepEqual(messages('TrafficPolicy', without), ['kind: is required; must be "TrafficPolicy"']);
  t.deepEqual(messages('TrafficPolicy', { ...without, kind: 'TrafficPolice' }), [
    'kind: found "TrafficPolice"; must be "TrafficPolicy"',
  ]);
  const spec = {
    target: { host: 'proxy', port: 80 },
    versions: [{ name: 'v1', endpoints: [{ address: '127.0.0.1', port: 80 }] }],
    rules: [{ split: [{ version: 'v3', weight: 1 }] }],
  };
  t.deepEqual(messages('TrafficPolicy', { ...examples.TrafficPolicy, spec }), [
    'spec.rules[0].split[0].version: found "v3", not in spec.versions; must be "v1"',
  ]);
});

test('bounds of sizes count in words that fit the number', (t) => {
  const ports = (list: readonly number[]) =>
    messages('Tap', { ...examples.Tap, spec: { ports: list } });
  t.deepEqual(ports([]), ['spec.ports: found []; must have at least 1 item']);
  t.deepEqual(ports([0]), ['spec.ports[0]: found 0; must be at least 1']);
  const many = Array.from({ length: 200 }, (_, port) => port + 1);
  t.regex(ports(many).join(), /^spec\.ports: found .*; must have at most \d+ items$/);
  const [rule] = examples.TrafficPolicy.spec.rules;
  const rules = [{ ...rule, match: [{ path: { exact: '' } }] }];
  const { spec } = examples.TrafficPolicy;
  t.deepEqual(messages('TrafficPolicy', { ...examples.TrafficPolicy, spec: { ...spec, rules } }), [
    'spec.rules[0].match[0].path.exact: found ""; must have at least 1 character',
  ]);
});
