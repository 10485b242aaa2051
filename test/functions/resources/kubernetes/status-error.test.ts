import test from 'ava';
import { statusError } from '../../../../functions/resources/kubernetes/status-error.ts';

const status = (fields: object): string =>
  JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', ...fields });

test('causes are told by field; that rules were not looked at is no problem of its own', (t) => {
  const causes = [
    { reason: 'FieldValueTooLong', message: 'Too long', field: 'status.a' },
    { reason: 'FieldValueInvalid', message: 'one', field: 'spec.b' },
    { reason: 'FieldValueInvalid', message: 'two', field: 'spec.b' },
    { reason: 'FieldValueInvalid', message: 'not checked', field: '<nil>' },
  ];
  const error = statusError(422, status({ message: 'bad', details: { causes } }));
  t.like(error, { code: 'CLV_RESOURCE_INVALID', message: 'bad' });
  t.deepEqual(error.details, [
    { field: 'status.a', message: 'Too long' },
    { field: 'spec.b', message: 'one; two' },
  ]);
});

test('fields that strict decoding names are told', (t) => {
  const message = 'strict decoding error: unknown field "spec.prots", duplicate field "spec.ports"';
  t.deepEqual(statusError(400, status({ message })).details, [
    { field: 'spec.prots', message: 'is unknown' },
    { field: 'spec.ports', message: 'is there twice' },
  ]);
  t.is(statusError(400, status({ message: 'no' })).code, 'CLV_ARGUMENT_INVALID');
});

test('fields that the definition on the server does not have are told, with the way out', (t) => {
  const one = 'failed to create typed patch object (a/b; clover.dev/v1alpha1, Kind=Tap): ';
  const message = `${one}errors:\n  .spec.a: field not declared in schema\n  .spec.b[0].c: field not declared in schema`;
  const error = statusError(500, status({ message }));
  t.is(error.code, 'CLV_RESOURCE_INVALID');
  t.regex(error.message, /does not have spec\.a, spec\.b\[0\]\.c: it is of an earlier version/);
  t.deepEqual(error.details, [
    { field: 'spec.a', message: 'is unknown' },
    { field: 'spec.b[0].c', message: 'is unknown' },
  ]);
  t.is(statusError(500, status({ message: 'no' })).code, 'CLV_KUBERNETES_UNREACHABLE');
});

test('a busy server says when to come again: in its answer, or in the header', (t) => {
  const asked = statusError(429, status({ details: { retryAfterSeconds: 7 } }));
  t.like(asked, { code: 'CLV_OVERLOADED', retryAfter: 7 });
  t.like(statusError(503, '', '3'), { code: 'CLV_OVERLOADED', retryAfter: 3 });
  t.like(statusError(503, ''), { code: 'CLV_OVERLOADED', retryAfter: 1 });
});

test('what a proxy answers in place of the server is told as it is, but not at length', (t) => {
  const { code, message } = statusError(502, `<html>${'x'.repeat(10_000)}`);
  t.is(code, 'CLV_KUBERNETES_UNREACHABLE');
  t.regex(message, /502.*<html>x/);
  t.true(message.length < 400);
});
