import { readFile } from 'node:fs/promises';
import test from 'ava';
import { parse } from 'yaml';
import { renderIstio } from '../../../../functions/mesh/istio/renderer.ts';
import { compile } from '../../../../functions/policy/compile.ts';
import { admitDocument } from '../../../../functions/resources/admission.ts';
import { trafficPolicySpec } from '../../../../knative/resources/traffic-policy.ts';
import { policyOf } from '../../policy/examples.ts';

test('the example of the page is rendered to what the page shows', async (t) => {
  const page = new URL('../../../../docs/policies.md', import.meta.url);
  const blocks = (await readFile(page, 'utf8')).matchAll(/```yaml\n([^`]*)```/g);
  const [policy, ...shown] = [...blocks].map(([, text = '']): unknown => parse(text));
  const { spec } = admitDocument('TrafficPolicy', policy);
  const { form } = compile([policyOf(trafficPolicySpec.parse(spec))], []);
  const objects = renderIstio(form).get('shop/proxy');
  const rendered = [objects?.virtualService, objects?.destinationRule, ...(objects?.faults ?? [])];
  t.deepEqual(
    shown,
    rendered.map((object) => ({
      apiVersion: object?.kind.apiVersion,
      kind: object?.kind.kind,
      spec: object?.spec,
    })),
  );
});
