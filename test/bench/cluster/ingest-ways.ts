import { Agent } from 'node:http';
import { zstdDecompressSync } from 'node:zlib';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defaultDelivery } from '../../../knative/catalogue.ts';
import { eventTypes } from '../../../knative/events.ts';
import { deployedFunctions } from '../../../knative/render/function-table.ts';
import { functionService } from '../../../knative/render/service.ts';
import { knativeTrigger } from '../../../knative/render/trigger.ts';
import { checkedInstallation, chosenSettings } from '../../../cloverctl/installation/settings.ts';
import { agentToken } from '../../cluster/installation/agent-token.ts';
import { cloverNamespace } from '../../cluster/installation/prepare.ts';
import { apply, type Stage } from '../../cluster/installation/stage.ts';
import { createBatchMaker } from '../ingest-batches.ts';
import type { Figures } from '../lib/bench.ts';
import { median } from '../lib/median.ts';
import { brokerUrl, hostOf, networkLayerUrl } from './addresses.ts';
import { ask, eventHeaders } from './ask.ts';

/** Odd. */
const rounds = 5;
/**
 * Events on their way at once: fewer than make Serving think of a second pod of ingest. Small ones ingest stores in groups, of which one
 * goes each 200 ms: these make at most 40 events a second.
 */
const senders = 8;

/** A way of events to ingest. */
interface Way {
  readonly name: string;
  readonly url: string;
  readonly host?: string;
  readonly token?: string;
  readonly spans: number;
  readonly events: number;
  /** As an agent sends it. A Broker passes no `content-encoding` on. */
  readonly compressed: boolean;
}

/**
 * Events per second, and spans per second, from the first that is sent until a query counts the spans of all: through the installation's
 * Broker with a Trigger for an ingest of its own, and past it, as agents send them. The ways take turns; values are medians.
 */
export async function measureIngest(
  stage: Stage,
  progress: (line: string) => void,
  signal: AbortSignal,
): Promise<Figures> {
  progress('a Trigger for spans');
  await addIngestBehindBroker(stage);
  const broker = await brokerUrl(stage.tier);
  const direct = {
    url: await networkLayerUrl(stage.tier),
    host: hostOf('ingest'),
    token: await agentToken(stage.tier),
  };
  const ways: readonly Way[] = [
    { name: 'broker100', url: broker, spans: 100, events: 400, compressed: false },
    { name: 'broker1000', url: broker, spans: 1_000, events: 100, compressed: false },
    { name: 'direct1000', ...direct, spans: 1_000, events: 100, compressed: false },
    { name: 'direct2500zstd', ...direct, spans: 2_500, events: 40, compressed: true },
  ];
  const make = createBatchMaker();
  const measure = async (way: Way): Promise<number> => {
    const firstMs = Date.now() - 600_000;
    const bodies = Array.from({ length: way.events }, (_, i) => {
      const { body } = make(way.spans, firstMs + i * 250);
      return way.compressed ? body : zstdDecompressSync(body);
    });
    return send(stage, way, bodies, signal);
  };
  // Pods are there then, and each way is known to work.
  for (const way of ways) await measure({ ...way, events: senders });
  const found = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const way of ways) {
      const perSecond = await measure(way);
      found.get(way.name)?.push(perSecond);
      progress(`${way.name} ${round}/${rounds}: ${perSecond.toFixed(1)} events/s`);
    }
  }
  const each = (figure: (way: Way, eventsPerSecond: number) => number) =>
    Object.fromEntries(
      ways.map((way) => [way.name, figure(way, median(found.get(way.name) ?? []))]),
    );
  return {
    ingestEventsPerSecond: each((_way, perSecond) => Math.round(perSecond)),
    ingestSpansPerSecond: each(({ spans }, perSecond) => Math.round(perSecond * spans)),
  };
}

/** Agents send to ingest itself, which takes spans of nobody else: an installation has no such Trigger, and this is of one that asks nobody. */
async function addIngestBehindBroker(stage: Stage): Promise<void> {
  const found = { namespace: cloverNamespace, knative: true };
  const installation = checkedInstallation(chosenSettings({ filename: stage.settings }), found);
  const name = 'bench-spans';
  const filter = { type: eventTypes.spans };
  const ingest = deployedFunctions.find(({ row }) => row.name === 'ingest');
  if (ingest === undefined) throw new Error('there is no function ingest');
  const { agents: _asked, ...row } = ingest.row;
  const { metadata, ...service } = functionService(installation, { ...ingest, row });
  const trigger = knativeTrigger(installation, name, { name, filter, delivery: defaultDelivery });
  await apply(stage, { ...service, metadata: { ...metadata, name } }, { ...trigger });
  const ready = ['wait', '--for=condition=Ready', '--timeout=120s', '-n', cloverNamespace];
  await stage.tier.kubectl([...ready, `ksvc/${name}`, `trigger/${name}`]);
}

/**
 * Sends events of new spans, each once.
 * @returns how many a second.
 */
async function send(
  stage: Stage,
  way: Way,
  bodies: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<number> {
  const before = await countSpans(stage);
  const source = `/bench/${way.name}/${before}`;
  const agent = new Agent({ keepAlive: true, maxSockets: senders });
  const queue = bodies.entries();
  const began = performance.now();
  const sender = async (): Promise<void> => {
    // One iterator for all: each takes the next that nobody has.
    for (const [i, body] of queue) {
      signal.throwIfAborted();
      const attributes = {
        id: String(i + 1),
        source,
        type: eventTypes.spans,
        cloverspans: String(way.spans),
        cloverwm: String(Date.now()),
        cloverloss: '{}',
      };
      const headers = {
        ...eventHeaders(attributes),
        'content-type': 'application/x-protobuf',
        ...(way.compressed && { 'content-encoding': 'zstd' }),
        ...(way.token !== undefined && { authorization: `Bearer ${way.token}` }),
      };
      const { url, host } = way;
      await ask({ url, ...(host !== undefined && { host }), body, headers, agent });
    }
  };
  await Promise.all(Array.from({ length: senders }, sender));
  agent.destroy();
  const wanted = before + bodies.length * way.spans;
  for (;;) {
    const stored = await countSpans(stage);
    if (stored === wanted) break;
    // Ids are random: a span that is sent again is the same row.
    if (stored > wanted) throw new Error(`${stored - before} spans of ${wanted - before}`);
    await sleep(20, undefined, { signal });
  }
  return (bodies.length / (performance.now() - began)) * 1_000;
}

const count = z.object({ spans: z.coerce.number() });

async function countSpans({ clickhouse }: Stage): Promise<number> {
  const exists = z.object({ result: z.coerce.number() });
  const [table] = await clickhouse.rows('EXISTS TABLE spans', exists);
  if (table?.result !== 1) return 0;
  const [row] = await clickhouse.rows('SELECT count() AS spans FROM spans FINAL', count);
  return row?.spans ?? 0;
}
