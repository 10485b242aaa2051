import test from 'ava';
import fc from 'fast-check';
import { review } from '../../../functions/admission/review.ts';
import { CloverError } from '../../../functions/lib/errors.ts';
import { isRecord } from '../../../functions/lib/plain-value.ts';
import { admitDocument } from '../../../functions/resources/admission.ts';
import { judgeDocument } from '../../../functions/resources/schema/judge-document.ts';
import type { Kind } from '../../../knative/resources/kinds.ts';
import { brokenOnce, changedAt } from '../../conformance/crd/documents.ts';
import { examples } from '../resources/examples.ts';

type Written = keyof typeof examples;

function asked(kind: Kind, object: unknown, old?: unknown): unknown {
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u-1',
      kind: { group: 'clover.dev', version: 'v1alpha1', kind },
      operation: old === undefined ? 'CREATE' : 'UPDATE',
      object,
      oldObject: old ?? null,
    },
  };
}

const answered = (kind: Kind, object: unknown, old?: unknown) =>
  review(asked(kind, object, old)).response;

/** The example with another value in its spec, as an API server has it: with its defaults. */
function changedSpec(kind: Written, path: string, value: unknown): unknown {
  const document = changedAt(examples[kind], ['spec', ...path.split('.')], value);
  return judgeDocument(kind, document).whole;
}

const warnings = (kind: Written, path: string, value: unknown): readonly string[] =>
  answered(kind, changedSpec(kind, path, value)).warnings ?? [];

test('what lint refuses is refused, with the place of each problem', (t) => {
  const bad = changedSpec('TrafficPolicy', 'rules.0.match.0.path', { regex: '(?=x)' });
  const { uid, allowed, status } = answered('TrafficPolicy', bad);
  t.is(uid, 'u-1');
  t.false(allowed);
  t.is(status?.code, 422);
  t.like(status?.details, { group: 'clover.dev', kind: 'TrafficPolicy', name: 'proxy' });
  t.deepEqual(
    status?.details.causes.map(({ field }) => field),
    ['spec.rules[0].match[0].path.regex'],
  );
  t.regex(status?.message ?? '', /^spec\.rules\[0\]\.match\[0\]\.path\.regex: found ".*RE2/);
});

test('a change of labels, finalizers or status passes whatever the stored spec is', (t) => {
  const bad = changedSpec('TrafficPolicy', 'rules.0.match.0.path', { regex: '(?=x)' });
  const touched = changedAt(bad, ['metadata', 'finalizers'], ['clover.dev/overlay']);
  t.deepEqual(answered('TrafficPolicy', touched, bad), { uid: 'u-1', allowed: true });
  // What is deleted has no object.
  t.true(answered('TrafficPolicy', null, bad).allowed);
});

test('kinds and versions that are not known here pass', (t) => {
  const { Tap: object } = examples;
  for (const kind of [
    { group: 'clover.dev', version: 'v1beta1', kind: 'Tap' },
    { group: 'apps', version: 'v1', kind: 'Deployment' },
  ]) {
    const request = { uid: 'u-2', kind, operation: 'CREATE', object };
    const body = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
    t.deepEqual(review(body).response, { uid: 'u-2', allowed: true });
  }
});

test('a field of a newer definition passes with a warning that nothing was checked', (t) => {
  const newer = changedSpec('TrafficPolicy', 'rules.0.newer', { a: 1 });
  const { allowed, warnings: said = [] } = answered('TrafficPolicy', newer);
  t.true(allowed);
  t.regex(said[0] ?? '', /^not checked by Clover's admission.*spec\.rules\[0\]\.newer/);
});

test('what is legal and surely not meant is warned of', (t) => {
  t.deepEqual(answered('Experiment', examples.Experiment).warnings, undefined);
  t.regex(
    warnings('Experiment', 'metrics', [{ type: 'errors', role: 'guardrail' }])[0] ?? '',
    /^spec\.metrics: without an objective there is no PASS/,
  );
  t.deepEqual(warnings('Experiment', 'deadline', '41s'), []);
  t.deepEqual(warnings('Experiment', 'deadline', '40s'), [
    'spec.deadline: 40s ends before the last step begins, after 40 s: there is no PASS',
  ]);
  t.regex(
    warnings('Experiment', 'plan.1.hold', '1m')[0] ?? '',
    /^spec\.plan\[1\]\.hold: has no effect/,
  );
  t.regex(
    warnings('Experiment', 'drill.fault.abort.percent', 0)[0] ?? '',
    /^spec\.drill\.fault\.abort\.percent: is 0/,
  );
  const fault = { delay: { duration: '5s' } };
  t.deepEqual(warnings('TrafficPolicy', 'rules.0.split.1.fault', fault), [
    'spec.rules[0].split[1].fault.delay.duration: 5s is no shorter than the timeout of the rule, 5s: who feels it hears 504',
  ]);
  t.deepEqual(answered('Tap', examples.Tap).warnings, undefined);
});

test('what is no review is an error that names what is wrong', (t) => {
  for (const body of [null, 1, {}, { apiVersion: 'admission.k8s.io/v1beta1' }]) {
    t.throws(() => review(body), { instanceOf: CloverError, code: 'CLV_ARGUMENT_INVALID' });
  }
});

for (const kind of ['Experiment', 'Tap', 'TrafficPolicy'] as const) {
  test(`of documents of ${kind} that fit the definition, the webhook refuses what the local store refuses`, (t) => {
    let fitting = 0;
    fc.assert(
      fc.property(brokenOnce(examples[kind]), (document) => {
        const { whole, misfits, broken } = judgeDocument(kind, document);
        if (misfits.length + broken.length > 0 || !isRecord(whole)) return;
        fitting += 1;
        const { allowed, status } = answered(kind, whole);
        const fields = status?.details.causes.map(({ field }) => field) ?? [];
        t.deepEqual(fields, refusedFields(kind, document));
        t.is(allowed, fields.length === 0);
      }),
      { numRuns: 600 },
    );
    t.true(fitting > 50);
  });
}

function refusedFields(kind: Kind, document: unknown): readonly string[] {
  try {
    admitDocument(kind, document);
    return [];
  } catch (error) {
    if (!(error instanceof CloverError)) throw error;
    return error.details.map(({ field }) => field);
  }
}
