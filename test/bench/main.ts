import { parseArgs } from 'node:util';
import { formatFigures, type BenchEntry } from './lib/bench.ts';

/** Every bench, in alphabetical order. To add one: export a `Bench` from a file here and list it. */
const benches: readonly BenchEntry[] = [
  {
    name: 'agent',
    summary: 'what tracing nginx costs, and whether all is seen: HTTP/1 and HTTP/2 (needs root)',
    load: async () => (await import('./agent.ts')).benchAgent,
  },
  {
    name: 'broker',
    summary: 'events/s and delays through the durable broker',
    load: async () => (await import('./broker.ts')).benchBroker,
  },
  {
    name: 'bulk',
    summary: 'what tracing costs one TCP connection at full speed (needs root)',
    load: async () => (await import('./bulk.ts')).benchBulk,
  },
  {
    name: 'cluster',
    summary:
      'cold starts, events/s and memory of Clover on Knative (needs root and a built tier knative)',
    load: async () => (await import('./cluster.ts')).benchCluster,
  },
  {
    name: 'dns',
    summary: 'DNS messages/s that are traced without loss (needs root)',
    load: async () => (await import('./dns.ts')).benchDns,
  },
  {
    name: 'evidence',
    summary: "agents' reports/s and looks/s into SQLite, and into ClickHouse",
    load: async () => (await import('./evidence.ts')).benchEvidence,
  },
  {
    name: 'footprint',
    summary:
      "the agent's memory with 1,000 pods, 50,000 connections and 5,000 requests/s (needs root)",
    load: async () => (await import('./footprint.ts')).benchFootprint,
  },
  {
    name: 'functions',
    summary: 'start, memory and size of each function of Clover as its image runs it',
    load: async () => (await import('./functions.ts')).benchFunctions,
  },
  {
    name: 'host',
    summary: 'events/s, start and memory of a function, beside two other runtimes',
    load: async () => (await import('./host.ts')).benchHost,
  },
  {
    name: 'ingest',
    summary: 'OTLP in CloudEvents → ingest function → ClickHouse',
    load: async () => (await import('./ingest.ts')).benchIngest,
  },
  {
    name: 'replay',
    summary: 'requests/s/core of a capture file with HTTP/1 heads',
    load: async () => (await import('./replay.ts')).benchReplay,
  },
  {
    name: 'soak',
    summary: "the agent's memory under load, and whether it goes up (needs root; --minutes, 60)",
    load: async () => (await import('./soak.ts')).benchSoak,
  },
  {
    name: 'telemetry',
    summary: 'start and memory of a function with telemetry off and on',
    load: async () => (await import('./telemetry.ts')).benchTelemetry,
  },
  {
    name: 'testbed',
    summary: 'seconds until the tiers api and node can be used (needs root, and both built)',
    load: async () => (await import('./testbed.ts')).benchTestbed,
  },
];

const usage = [
  'usage: npm run bench -- NAME [--json] [--minutes N]',
  ...benches.map(({ name, summary }) => `  ${name.padEnd(9)} ${summary}`),
].join('\n');

/** Time that a bench has to clean up after a signal. */
const graceMs = 15_000;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '60' },
    },
    allowPositionals: true,
  });
  const entry = benches.find(({ name }) => name === positionals[0]);
  const minutes = Number(values.minutes);
  if (entry === undefined || positionals.length > 1 || !(minutes > 0)) {
    process.stderr.write(`${usage}\n`);
    process.exitCode = 2;
    return;
  }
  const abort = new AbortController();
  abort.signal.addEventListener('abort', () => {
    process.exitCode = 130;
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      abort.abort(new Error(`stopped by ${signal}`));
      setTimeout(() => process.exit(130), graceMs).unref();
    });
  }
  const started = Date.now();
  const progress = (line: string): void => {
    const seconds = ((Date.now() - started) / 1_000).toFixed(1).padStart(6);
    process.stderr.write(`${seconds} s  ${line}\n`);
  };
  const bench = await entry.load();
  const figures = await bench(progress, abort.signal, { minutes });
  process.stdout.write(`${formatFigures(figures)}\n`);
  if (values.json) process.stdout.write(`${JSON.stringify({ bench: entry.name, figures })}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode ??= 1;
});
