import { z } from 'zod';
import { CloverError } from '../../functions/lib/errors.ts';
import type { KubeClient } from '../../functions/resources/kubernetes/client.ts';
import { controlPlane, controlPlanePort } from '../../knative/render/control-plane/names.ts';
import { tokenSecretOf, type SecretKey } from '../../knative/render/control-plane/token-secrets.ts';
import { functionPort } from '../../knative/render/service.ts';
import type { AskPod } from './ask-pod.ts';
import { collectionPath } from './collections.ts';
import { readSecret } from './read-secret.ts';

/** Whether ClickHouse answers the functions, with the user and the password that they have. */
export type ClickHouseAnswer =
  | { readonly state: 'answers' }
  | {
      /** `unasked`: nobody is there who would ask it; `unknown`: who is there could not be asked. */
      readonly state: 'silent' | 'unasked' | 'unknown';
      readonly why: string;
    };

/** Who is asked, and how. */
export interface ClickHouseQuestions {
  readonly client: KubeClient;
  readonly ask: AskPod;
}

/** What is to be known of the installation. */
export interface AskedInstallation {
  readonly namespace: string;
  readonly knative: boolean;
  readonly controlPlane: { readonly tokenSecret?: SecretKey };
}

const pods = z.object({
  items: z.array(
    z.object({
      metadata: z.object({
        name: z.string(),
        creationTimestamp: z.string().default(''),
        deletionTimestamp: z.string().optional(),
      }),
      status: z
        .object({
          conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
        })
        .prefault({}),
    }),
  ),
});

const states = z.object({
  clickhouse: z.union([
    z.object({ answers: z.literal(true) }),
    z.object({ answers: z.literal(false), why: z.string() }),
  ]),
});

/** Asks the function that stores spans. Functions start without ClickHouse, so that this alone tells of a wrong URL or password. */
export async function clickHouseAnswer(
  { client, ask }: ClickHouseQuestions,
  installation: AskedInstallation,
): Promise<ClickHouseAnswer> {
  const { knative, namespace } = installation;
  const [name, port] = knative ? ['ingest', functionPort] : [controlPlane, controlPlanePort];
  try {
    const pod = await readyPod(client, namespace, name);
    if (pod === undefined) return { state: 'unasked', why: `no pod of ${name} is ready` };
    const token = knative
      ? undefined
      : await readSecret(client, namespace, tokenSecretOf(installation));
    const headers = token === undefined ? {} : { authorization: `Bearer ${token.trimEnd()}` };
    const text = await ask({ namespace, pod, port }, '/health/dependencies', headers);
    const { clickhouse } = states.parse(JSON.parse(text));
    if (clickhouse.answers) return { state: 'answers' };
    return { state: 'silent', why: clickhouse.why.replace(/^ClickHouse does not answer: /, '') };
  } catch (error) {
    if (!(error instanceof CloverError)) throw error;
    return { state: 'unknown', why: error.message };
  }
}

/** The youngest that is ready. */
async function readyPod(
  client: KubeClient,
  namespace: string,
  name: string,
): Promise<string | undefined> {
  const path = collectionPath({ apiVersion: 'v1', plural: 'pods', namespace });
  const labelSelector = `app.kubernetes.io/name=${name},app.kubernetes.io/instance=${namespace}`;
  const answer = await client.call({ method: 'GET', path, query: { labelSelector } });
  const ready = pods
    .parse(answer)
    .items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .filter(({ status }) => status.conditions.some(isReady))
    .map(({ metadata }) => metadata)
    .toSorted((one, other) => one.creationTimestamp.localeCompare(other.creationTimestamp));
  return ready.at(-1)?.name;
}

function isReady({ type, status }: { readonly type: string; readonly status: string }): boolean {
  return type === 'Ready' && status === 'True';
}
