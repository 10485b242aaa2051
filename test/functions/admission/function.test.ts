import test from 'ava';
import { createAdmission } from '../../../functions/admission/function.ts';
import { changedAt } from '../../conformance/crd/documents.ts';
import { entryOf } from '../host/helpers.ts';
import { served, token } from '../host/serving.ts';
import { examples } from '../resources/examples.ts';

const reviewOf = (object: unknown): string =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u-1',
      kind: { group: 'clover.dev', version: 'v1alpha1', kind: 'TrafficPolicy' },
      operation: 'CREATE',
      object,
    },
  });

test('an API server is answered at one path to one method, and each answer is counted', async (t) => {
  const admission = createAdmission();
  const { url } = await served(t, [admission], [entryOf('admission', { paths: ['/'] })]);
  const ask = async (path: string, init: RequestInit): Promise<Response> =>
    fetch(`${url}${path}`, { ...init, headers: { authorization: `Bearer ${token}` } });
  const post = async (body: string, path = '/validate?timeout=10s'): Promise<Response> =>
    ask(path, { method: 'POST', body });

  const good = examples.TrafficPolicy;
  const bad = changedAt(good, ['spec', 'rules', '0', 'match', '1', 'path'], { regex: '(?=x)' });
  const taken = await post(reviewOf(good));
  t.is(taken.status, 200);
  t.is(taken.headers.get('content-type'), 'application/json');
  t.like(await taken.json(), { response: { uid: 'u-1', allowed: true } });
  t.like(await (await post(reviewOf(bad))).json(), { response: { allowed: false } });

  const method = await ask('/validate', { method: 'GET' });
  t.is(method.status, 405);
  t.is(method.headers.get('allow'), 'POST');
  t.is((await post(reviewOf(good), '/mutate')).status, 404);
  for (const body of ['', '{', '{}']) t.is((await post(body)).status, 400, body);
  t.like(admission.counters?.(), { allowed: 1, refused: 1 });
});
