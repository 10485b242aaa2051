import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { parse } from 'yaml';
import { z } from 'zod';
import { schemasOf } from '../../../../knative/resources/kind-schemas.ts';
import { trafficPolicySpec } from '../../../../knative/resources/traffic-policy.ts';
import { sdcNamespace, sdcPods, sdcPort } from '../../../../infra/samples/sdc/topology.ts';

const folder = new URL('../../../../infra/samples/sdc/manifests/', import.meta.url);
const named = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ namespace: z.string() }),
});

for (const file of readdirSync(folder)) {
  test(`${file} is accepted by the schema of its kind`, (t) => {
    const document: unknown = parse(readFileSync(new URL(file, folder), 'utf8'));
    const { kind, metadata } = named.parse(document);
    const schema = new Map(Object.entries(schemasOf)).get(kind)?.document;
    t.deepEqual(schema?.safeParse(document).error?.issues, undefined);
    t.not(schema, undefined);
    t.is(metadata.namespace, sdcNamespace);
  });
}

test('the versions of every policy are the pods of the sample', (t) => {
  const policies = readdirSync(folder).filter((file) => file.startsWith('policy-'));
  t.is(policies.length, 3);
  for (const file of policies) {
    const document: unknown = parse(readFileSync(new URL(file, folder), 'utf8'));
    const { spec } = z.looseObject({ spec: trafficPolicySpec }).parse(document);
    t.is(spec.target.port, sdcPort);
    for (const { name, endpoints } of spec.versions) {
      const pod = Object.values(sdcPods).find((candidate) => candidate.name === `proxy-${name}`);
      t.deepEqual(endpoints, [{ address: pod?.address ?? '', port: sdcPort }]);
    }
  }
});
