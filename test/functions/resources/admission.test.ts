import test from 'ava';
import fc from 'fast-check';
import { z } from 'zod';
import { schemasOf } from '../../../knative/resources/kind-schemas.ts';
import type { Kind } from '../../../knative/resources/kinds.ts';
import { CloverError, type ErrorDetail } from '../../../functions/lib/errors.ts';
import { admitDocument } from '../../../functions/resources/admission.ts';
import { fieldPath } from '../../../functions/lib/field-path.ts';
import { examples } from './examples.ts';

const json = z.json();
type Json = z.output<typeof json>;
type Path = readonly (string | number)[];

const copy = (value: unknown): Json => json.parse(value);

/** The document with the value at a path replaced, or removed when it is undefined. */
function edited(root: Json, path: Path, value: Json | undefined): Json {
  const [key, ...rest] = path;
  if (key === undefined) return value ?? null;
  if (Array.isArray(root)) {
    return root.map((item, index) => (index === key ? edited(item, rest, value) : item));
  }
  if (typeof root !== 'object' || root === null) return root;
  const entries = new Map(Object.entries(root));
  if (rest.length === 0 && value === undefined) entries.delete(String(key));
  else entries.set(String(key), edited(entries.get(String(key)) ?? {}, rest, value));
  return Object.fromEntries(entries);
}

function paths(value: Json, at: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [at];
  const inner = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [
    ...(at.length > 0 ? [at] : []),
    ...inner.flatMap(([key, item]) => paths(item, [...at, key])),
  ];
}

function problems(kind: Kind, document: unknown): readonly ErrorDetail[] {
  try {
    admitDocument(kind, document);
    return [];
  } catch (error) {
    if (error instanceof CloverError && error.code === 'CLV_RESOURCE_INVALID') return error.details;
    throw error;
  }
}

const fields = (found: readonly ErrorDetail[]): string[] => found.map(({ field }) => field);
const writable = ['Experiment', 'Tap', 'TrafficPolicy'] as const;
const policy = (path: Path, value: Json | undefined): readonly ErrorDetail[] =>
  problems('TrafficPolicy', edited(copy(examples.TrafficPolicy), path, value));
const experiment = (path: Path, value: Json | undefined): readonly ErrorDetail[] =>
  problems('Experiment', edited(copy(examples.Experiment), path, value));

for (const kind of writable) {
  test(`the example of ${kind} with every field is admitted`, (t) => {
    t.deepEqual(problems(kind, examples[kind]), []);
  });

  test(`breaking any one field of ${kind} gives an error that names it`, (t) => {
    const document = copy(examples[kind]);
    // A function of no type that any field has; free maps take any key, so they break as a whole.
    const breakable = paths(document).filter((path) => path.length > 0);
    fc.assert(
      fc.property(
        fc.constantFrom(...breakable),
        fc.constantFrom<Json>(null, 1.5, -1, [[]]),
        (path, bad) => {
          const found = problems(kind, edited(document, path, bad));
          // A step's weight is wrong beside another's: the whole plan is.
          const field = fieldPath(path).replace(/plan\[1\]\.weight$/, 'plan');
          const numeric =
            typeof bad === 'number' &&
            /margin|alpha|percent|plan\[\d\]\.weight|plan$|floor/.test(field);
          if (numeric && found.length === 0) return;
          if (bad === null && typeof path.at(-1) === 'string') {
            // As to an API server, null is what is not there.
            const without = edited(document, path, undefined);
            t.deepEqual(found, problems(kind, without));
            if (found.length > 0) return;
            const { spec } = admitDocument(kind, edited(document, path, null));
            t.deepEqual(spec, admitDocument(kind, without).spec);
            return;
          }
          t.true(
            found.some((detail) => detail.field.startsWith(field)),
            `${field}: ${JSON.stringify(found)}`,
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  test(`an unknown field anywhere in ${kind} is named with what is allowed`, (t) => {
    const document = copy(examples[kind]);
    const objects = paths(document).filter((path) => typeof path.at(-1) === 'string');
    const free = /labels|annotations|matchLabels/;
    const parents = objects
      .map((path) => path.slice(0, -1))
      .filter((path) => !free.test(path.join('.')));
    fc.assert(
      fc.property(fc.constantFrom(...parents), (parent) => {
        const path = [...parent, 'surprise'];
        const found = problems(kind, edited(document, path, 1));
        const detail = found.find(({ field }) => field === fieldPath(path));
        t.regex(detail?.message ?? JSON.stringify(found), /^unknown field; allowed: \w/);
      }),
    );
  });
}

test('a near miss of a field name is recognised', (t) => {
  const [detail] = policy(['spec', 'rules', 0, 'spilt'], []);
  t.is(detail?.field, 'spec.rules[0].spilt');
  t.is(
    detail?.message,
    'unknown field, did you mean "split"? Allowed: name, match, split, timeout',
  );
});

test('only the first unknown fields of an object get a near miss, all are told', (t) => {
  const spilt = Array.from({ length: 20 }, (_field, index): [string, Json] => [
    `split${String.fromCharCode(97 + index)}`,
    [],
  ]);
  const found = policy(['spec', 'rules', 0], Object.fromEntries(spilt));
  const unknown = found.filter(({ message }) => message.startsWith('unknown field'));
  t.is(unknown.length, 20);
  t.is(unknown.filter(({ message }) => message.includes('did you mean')).length, 16);
});

test('a wrong type says what was found and what is expected', (t) => {
  t.deepEqual(policy(['spec', 'rules', 0, 'split', 1, 'weight'], 'ten'), [
    { field: 'spec.rules[0].split[1].weight', message: 'found "ten"; expected integer' },
  ]);
});

test('a value outside a choice lists the choice', (t) => {
  const [detail] = policy(['spec', 'rules', 0, 'match', 0, 'method'], 'GTE');
  t.is(detail?.field, 'spec.rules[0].match[0].method');
  t.regex(detail?.message ?? '', /found "GTE", did you mean "GET"\? Allowed: GET, HEAD/);
  const [unknown] = experiment(['spec', 'metrics', 0, 'type'], 'latencies');
  t.is(unknown?.field, 'spec.metrics[0].type');
  t.regex(unknown?.message ?? '', /found "latencies".*latency, errors/);
});

test('a missing field is said to be required', (t) => {
  t.deepEqual(policy(['spec', 'target', 'port'], undefined), [
    { field: 'spec.target.port', message: 'is required; expected integer' },
  ]);
});

test('weights that sum to zero are refused', (t) => {
  const split = [{ version: 'v1', weight: 0 }];
  t.deepEqual(policy(['spec', 'rules', 1, 'split'], split), [
    {
      field: 'spec.rules[1].split',
      message: 'found [{"version":"v1","weight":0}]; must have weights that sum to more than 0',
    },
  ]);
});

test('a split on a version that does not exist names the versions that do', (t) => {
  const [detail] = policy(['spec', 'rules', 1, 'split', 0, 'version'], 'v3');
  t.is(detail?.field, 'spec.rules[1].split[0].version');
  t.is(detail?.message, 'found "v3", not in spec.versions, did you mean "v1"? Allowed: v1, v2');
  const [far] = policy(['spec', 'rules', 1, 'split', 0, 'version'], 'canary');
  t.is(far?.message, 'found "canary", not in spec.versions; allowed: v1, v2');
});

test('names that stand twice are refused', (t) => {
  t.true(fields(policy(['spec', 'versions', 1, 'name'], 'v1')).includes('spec.versions[1].name'));
  t.deepEqual(fields(policy(['spec', 'rules', 1, 'name'], 'carts')), ['spec.rules[1].name']);
  t.deepEqual(fields(policy(['spec', 'rules', 0, 'split', 1, 'version'], 'v1')), [
    'spec.rules[0].split[1].version',
  ]);
  const taps = problems('Tap', edited(copy(examples.Tap), ['spec', 'ports'], [80, 81, 80]));
  t.deepEqual(taps, [{ field: 'spec.ports[2]', message: 'found 80 again, as in spec.ports[0]' }]);
  t.deepEqual(fields(experiment(['spec', 'metrics', 1], { type: 'latency' })), ['spec.metrics[1]']);
});

test('a rule after one that takes every request is refused with the rule that hides it', (t) => {
  const dead = {
    name: 'late',
    match: [{ path: { exact: '/x' } }],
    split: [{ version: 'v1', weight: 1 }],
  };
  const rules = [...examples.TrafficPolicy.spec.rules.map(copy), dead];
  t.deepEqual(policy(['spec', 'rules'], rules), [
    {
      field: 'spec.rules[2]',
      message: 'can never match: spec.rules[1] takes every request; move it up or remove it',
    },
  ]);
});

test('an expression that RE2 does not take is refused', (t) => {
  const at = ['spec', 'rules', 0, 'match', 0, 'path'];
  const [detail] = policy(at, { regex: '/a(?=b)' });
  t.is(detail?.field, 'spec.rules[0].match[0].path.regex');
  t.regex(detail?.message ?? '', /look-around/);
});

test('paths and header values that no request can have are refused', (t) => {
  const at = ['spec', 'rules', 0, 'match', 0, 'path'];
  for (const text of ['cart', '*', '/a?b', '/a#b', '/a b', '/\u00e9', '/\ud800', '/\u0000']) {
    for (const way of ['exact', 'prefix']) {
      const [detail] = policy(at, { [way]: text });
      t.is(detail?.field, `spec.rules[0].match[0].path.${way}`, text);
    }
  }
  const value = ['spec', 'rules', 0, 'match', 0, 'headers', 0, 'value'];
  for (const text of ['\n', '\u0000', '\ud800', '\x7f']) {
    const [detail] = policy(value, { exact: text });
    t.is(detail?.field, 'spec.rules[0].match[0].headers[0].value.exact');
  }
  t.deepEqual(policy(at, { exact: "/a;b=1/%C3%A9/@:!$&'()*+,=~" }), []);
  t.deepEqual(policy(value, { exact: 'a \u00e9\t"' }), []);
});

test('faults and deadlines of no length are refused', (t) => {
  const zero = { delay: { duration: '0s' } };
  t.is(
    policy(['spec', 'rules', 0, 'split', 1, 'fault'], zero)[0]?.field,
    'spec.rules[0].split[1].fault.delay.duration',
  );
  t.is(experiment(['spec', 'deadline'], '0m')[0]?.field, 'spec.deadline');
  t.is(experiment(['spec', 'warmUp'], '99999999h')[0]?.field, 'spec.warmUp');
  t.deepEqual(experiment(['spec', 'warmUp'], '0s'), []);
  t.is(experiment(['spec', 'drill', 'fault'], zero)[0]?.field, 'spec.drill.fault.delay.duration');
});

test('unknown fields, types, metadata and rules of parts that fit are told in one round', (t) => {
  const document = {
    ...examples.TrafficPolicy,
    metadata: { name: 'web9', labels: { 'a b': 'x', team: 'no blanks' } },
    spec: {
      ...examples.TrafficPolicy.spec,
      surprise: 1,
      target: { host: 'shop.example', port: 'http' },
      rules: [{ split: [{ version: 'v1', weight: 0 }], timeout: '0s' }],
    },
  };
  const error = t.throws(() => admitDocument('TrafficPolicy', document));
  t.regex(error.message, /^TrafficPolicy "web9" is invalid: /);
  t.deepEqual(fields(problems('TrafficPolicy', document)).sort(), [
    'metadata.labels.team',
    'metadata.labels["a b"]',
    'spec.rules[0].split',
    'spec.rules[0].timeout',
    'spec.surprise',
    'spec.target.port',
  ]);
});

test('every refusal quotes the name, and one of a whole value has no empty field before it', (t) => {
  const spec = { ...examples.Tap.spec, ports: [0] };
  for (const document of [
    { ...examples.Tap, specs: 1 },
    { ...examples.Tap, spec },
    edited(copy(examples.Tap), ['metadata', 'labels'], { team: 'no blanks' }),
  ]) {
    t.throws(() => admitDocument('Tap', document), {
      message: /^Tap "web" is invalid: [\w.[\]]+: /,
    });
  }
  t.throws(() => admitDocument('Tap', [1]), {
    message: 'Tap (without a name) is invalid: found [1]; expected object',
  });
});

test('an experiment on one version, or with a plan that goes back, is refused', (t) => {
  t.is(experiment(['spec', 'variant'], 'v1')[0]?.field, 'spec.variant');
  t.deepEqual(experiment(['spec', 'plan', 1, 'weight'], 5), [
    {
      field: 'spec.plan',
      message:
        'found [{"weight":10,"hold":"30s"},{"weight":5}]; must have weights that rise from step to step',
    },
  ]);
});

test('what is admitted is of the type of its kind, and its defaults are those of the type', (t) => {
  for (const kind of writable) {
    const document = copy(examples[kind]);
    const breakable = paths(document).filter((path) => path.length > 0);
    const { spec } = schemasOf[kind];
    fc.assert(
      fc.property(fc.constantFrom(...breakable), fc.boolean(), (path, gone) => {
        const changed = edited(document, path, gone ? undefined : null);
        if (problems(kind, changed).length > 0) return;
        const admitted = admitDocument(kind, changed);
        t.deepEqual(spec.parse(admitted.spec), admitted.spec);
      }),
    );
  }
});
