import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { customResourceDefinition } from '../../knative/crd.ts';
import { kinds } from '../../knative/resources/kinds.ts';

const condition = z.object({ type: z.string(), status: z.string(), message: z.string() });
const definition = z.object({
  // Null before the server has looked at it.
  status: z.object({ conditions: z.array(condition).nullish() }).nullish(),
});

const body = z.looseObject({ kind: z.string(), metadata: z.looseObject({ name: z.string() }) });

interface Definition {
  readonly metadata: { readonly name: string };
}

const collection = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Applies the definitions of all kinds; resolves when the server serves them. */
export async function applyDefinitions(client: KubeClient): Promise<void> {
  await applyEach(
    client,
    kinds.map(({ kind }) => customResourceDefinition(kind)),
  );
}

/** Applies the definitions in a file of YAML documents, and leaves out what else is in it. */
export async function applyDefinitionsOf(client: KubeClient, file: string): Promise<void> {
  const documents = parseAllDocuments(await readFile(file, 'utf8')).map((each) =>
    body.parse(each.toJS()),
  );
  await applyEach(
    client,
    documents.filter(({ kind }) => kind === 'CustomResourceDefinition'),
  );
}

/** Applies definitions; resolves when the server serves them. */
export async function applyEach(client: KubeClient, bodies: readonly Definition[]): Promise<void> {
  for (const each of bodies) {
    await client.call({
      method: 'PATCH',
      path: `${collection}/${each.metadata.name}`,
      contentType: 'application/apply-patch+yaml',
      query: { fieldManager: 'test', fieldValidation: 'Strict', force: 'true' },
      body: each,
    });
  }
  for (const { metadata } of bodies) {
    while (!(await isServed(client, metadata.name))) await sleep(50);
  }
}

/** @throws Error when the server says that the schema is not structural, or a name is taken. */
async function isServed(client: KubeClient, name: string): Promise<boolean> {
  const found = await client.call({ method: 'GET', path: `${collection}/${name}` });
  const conditions = definition.parse(found).status?.conditions ?? [];
  const bad = conditions.find(
    ({ type, status }) => type === 'NonStructuralSchema' && status === 'True',
  );
  if (bad !== undefined) throw new Error(`${name}: ${bad.message}`);
  return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
}
