import { z } from 'zod';
import { eventTypes } from '../../../knative/events.ts';
import { audienceOf } from '../../../knative/render/audience.ts';
import { brokerOf } from '../../../knative/render/broker.ts';
import { sharedByFile, type SharedByFile } from '../shared-by-file.ts';
import { sendEvent, startReceiver, type Received, type Receiver } from '../knative/receiver.ts';
import { policyOfWeb, serviceAndPolicy, shop, tapOf } from './objects.ts';
import { internalUrl, operatorOf, type Operator } from './operator.ts';
import { startPod, type RunningPod } from './pods.ts';
import { cloverNamespace } from './prepare.ts';
import { apply, ledgerWhen, startStage, type NodeStage, type Stage } from './stage.ts';

/** An installation that asks senders who they are. */
export interface Guarded extends Stage {
  /** Gets notifications and what is told of TrafficPolicies from the broker, and answers 503 to whatever it has not seen before. */
  readonly watcher: Receiver;
  readonly web: RunningPod;
  readonly caller: RunningPod;
  readonly operator: Operator;
}

/** Of kubectl: Clover's namespace. */
export const own = ['-n', cloverNamespace];
/** Of `kubectl wait`. */
export const patience = '--timeout=180s';
/** Of kubectl: the policy that tests change. */
export const policyPath = ['-n', shop, 'trafficpolicy/web'];

/** What the broker gives to the watcher. */
const watching = (uri: string): object => ({
  apiVersion: 'eventing.knative.dev/v1',
  kind: 'Trigger',
  metadata: { name: 'watcher', namespace: cloverNamespace },
  spec: {
    broker: 'clover',
    filters: [
      {
        any: [{ exact: { type: eventTypes.notification } }, { exact: { kind: 'TrafficPolicy' } }],
      },
    ],
    subscriber: { uri },
  },
});

/**
 * Starts it, and two pods with a Tap, for the tests of the file that calls it. Says why where it cannot.
 * @param chosen settings: docs/install.md. Default: nothing ticks, and so what is done was told by an event.
 */
export function guardedByFile(
  chosen: Readonly<Record<string, unknown>> = { schedules: [] },
): Promise<SharedByFile<Guarded>> {
  return sharedByFile(
    ({ teardown }) => {
      const ends: (() => unknown)[] = [];
      teardown(async () => {
        for (const end of ends.toReversed()) await end();
      });
      return startGuarded(ends, chosen);
    },
    { tier: 'knative', withinMs: 1_200_000 },
  );
}

async function startGuarded(
  ends: (() => unknown)[],
  chosen: Readonly<Record<string, unknown>>,
): Promise<Guarded> {
  // The receiver of other tests has no say: Clover itself keeps dead letters.
  const settings = { oidc: true, deadLetters: undefined, ...chosen };
  const stage = await startStage(ends, settings);
  await stage.tier.setFeatures({ 'authentication-oidc': 'enabled' });
  const installed = await stage.cloverctl('install', '-f', stage.settings, '--timeout', '9m');
  if (installed.code !== 0) throw new Error(`${installed.stdout}\n${installed.stderr}`);
  const watcher = await startReceiver(stage.tier.network.host, (event, before) =>
    before.some((other) => idOf(other) === idOf(event)) ? 202 : 503,
  );
  ends.push(() => watcher.close());
  await apply(stage, watching(watcher.url), {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: shop },
  });
  await stage.tier.kubectl(['wait', '--for=condition=Ready', patience, ...own, 'trigger/watcher']);
  const web = await startPod(stage.tier, shop, 'web');
  const caller = await startPod(stage.tier, shop, 'client');
  await apply(stage, tapOf(shop, { ports: [8_080] }));
  await ledgerWhen(stage, ({ attachments }) => attachments.attached === 2);
  return { ...stage, watcher, web, caller, operator: await operatorOf(stage) };
}

/** By what an event is known. */
export const idOf = ({ attributes }: Received): string =>
  `${attributes['source']} ${attributes['id']}`;

/** Attempts at an event that a subscriber of {@link refusing} gets, in a minute and three quarters. */
export const refusedAttempts = 10;

/** What the broker tries to give to somebody who takes nothing. */
export const refusing = (uri: string): object => ({
  apiVersion: 'eventing.knative.dev/v1',
  kind: 'Trigger',
  metadata: { name: 'refusing', namespace: cloverNamespace },
  spec: {
    broker: 'clover',
    filters: [{ exact: { kind: 'TrafficPolicy' } }],
    subscriber: { uri },
    delivery: {
      retry: refusedAttempts - 1,
      backoffPolicy: 'exponential',
      backoffDelay: 'PT0.2S',
      deadLetterSink: { uri },
    },
  },
});

/** A field of an object, by its JSONPath. */
export async function field(
  { tier }: Pick<NodeStage, 'tier'>,
  path: string,
  ...object: readonly string[]
): Promise<string> {
  return (await tier.kubectl(['get', ...object, '-o', `jsonpath=${path}`])).trim();
}

/** Sends to the broker of its type as an account of Clover's namespace, or as nobody. */
export async function sendAs(
  stage: Stage,
  account: string | undefined,
  attributes: Readonly<Record<string, string>>,
  data?: string,
): Promise<number> {
  const { tier } = stage;
  const address = await field(
    stage,
    '{.spec.clusterIP}',
    'service/broker-ingress',
    '-n',
    'knative-eventing',
  );
  const broker = brokerOf(attributes['type']);
  const audience = await field(stage, '{.status.address.audience}', ...own, `broker/${broker}`);
  const token =
    account === undefined
      ? undefined
      : await tier.kubectl(['create', 'token', account, ...own, `--audience=${audience}`]);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token.trim()}` };
  const url = `http://${address}/${cloverNamespace}/${broker}`;
  return (await sendEvent(url, attributes, headers, data)).status;
}

/** Sends to a function past the broker, as an account of Clover's namespace that has a token for it, or as nobody. */
export async function sendPastBroker(
  { tier }: Stage,
  name: string,
  account: string | undefined,
  path = '/',
): Promise<number> {
  const audience = audienceOf(cloverNamespace, name);
  const token =
    account === undefined
      ? undefined
      : await tier.kubectl(['create', 'token', account, ...own, `--audience=${audience}`]);
  const headers = {
    host: `${name}.${cloverNamespace}.svc.cluster.local`,
    ...(token !== undefined && { authorization: `Bearer ${token.trim()}` }),
  };
  const attributes = { id: 'forged', type: eventTypes.resourceDeleted };
  const url = `${await internalUrl(tier)}${path}`;
  return (await sendEvent(url, attributes, headers)).status;
}

/** The account by which Knative lets something send. */
export const identityOf = (stage: Stage, sender: string): Promise<string> =>
  field(stage, '{.status.auth.serviceAccountName}', ...own, sender);

/** What is known of the policy, and of what was told about it. */
export interface PolicyState {
  readonly version: string;
  readonly records: string;
}

/** Asks for it. */
export async function policyState(stage: Stage): Promise<PolicyState> {
  const records = ['get', 'events.events.k8s.io', '-n', shop, '-o'];
  return {
    version: await field(stage, '{.metadata.resourceVersion}', ...policyPath),
    records: await stage.tier.kubectl([
      ...records,
      'jsonpath={range .items[*]}{.metadata.name} {.reason} {.series.count}{"\\n"}{end}',
    ]),
  };
}

/** The subscription of each Trigger, by its uid. */
export async function subscriptionsOf(stage: Stage): Promise<Record<string, string>> {
  const each = '{.metadata.ownerReferences[0].name} {.metadata.uid}{"\\n"}';
  const path = `{range .items[*]}${each}{end}`;
  const lines = await field(stage, path, ...own, 'subscriptions.messaging.knative.dev');
  const pairs = lines.split('\n').map((line) => line.split(' '));
  return Object.fromEntries(pairs.map(([trigger = '', uid = '']) => [trigger, uid]));
}

const reports = z.object({ reports: z.coerce.number(), last: z.coerce.number() });

/** What evaluate has of the reports of an agent. */
export async function reportsOf(
  { clickhouse }: Pick<NodeStage, 'clickhouse'>,
  boot: string,
): Promise<z.output<typeof reports>> {
  const query = `SELECT count(DISTINCT sequence) AS reports, max(sequence) AS last FROM evidence_reports WHERE source LIKE '%/${boot}'`;
  const [found = { reports: 0, last: 0 }] = await clickhouse.rows(query, reports);
  return found;
}

/** Makes a Service without pods whose policy is in the mesh. */
export async function programmed(stage: Stage, name: string): Promise<void> {
  await apply(stage, ...serviceAndPolicy(name));
  const isSo = ['wait', '--for=condition=Programmed', patience, '-n', shop];
  await stage.tier.kubectl([...isSo, `trafficpolicy/${name}`]);
}

/** Changes the policy, to another port; resolves to its generation from then on. */
export async function changePolicy(stage: Stage, port: number): Promise<number> {
  const { target, ...spec } = policyOfWeb.spec;
  await apply(stage, { ...policyOfWeb, spec: { ...spec, target: { ...target, port } } });
  return Number(await field(stage, '{.metadata.generation}', ...policyPath));
}

const changedPolicy = z.object({
  metadata: z.object({ name: z.string(), generation: z.int() }),
});

/** Generations of a policy of which the watcher has been told. */
export const toldOf = ({ watcher }: Guarded, policy: string): ReadonlySet<number> =>
  new Set(
    watcher.events
      .filter(({ attributes }) => attributes['type'] === eventTypes.resourceUpdated)
      .map(({ data }) => changedPolicy.parse(JSON.parse(data)).metadata)
      .filter(({ name }) => name === policy)
      .map(({ generation }) => generation),
  );
