import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { zstdDecompressSync } from 'node:zlib';
import { evidenceReport, type EvidenceReport } from '../../../knative/events.ts';

/** One request that a {@link ControlPlane} got. */
export interface Received {
  readonly at: number;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** What was answered. */
  readonly status: number;
}

/** An answer by a test's rule. */
export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** A real HTTP server in the control plane's place, which keeps what it got. */
export interface ControlPlane {
  readonly url: string;
  readonly received: readonly Received[];
  /** Replaces the answer to POSTs of a path; 202 to everything at first. */
  answer(path: string, rule: (request: Omit<Received, 'status'>) => Answer): void;
  setTaps(taps: readonly object[]): void;
  /** Closes the port and every connection. */
  down(): Promise<void>;
  /** Opens the same port again. */
  up(): Promise<void>;
  /** Spans by `source id` of each batch that was answered with 2xx. */
  storedSpans(): Map<string, number>;
  /** Reports that were answered with 2xx, oldest first. */
  reports(): EvidenceReport[];
}

/** Starts a control plane on a free port of loopback. */
export async function startControlPlane(): Promise<ControlPlane> {
  const received: Received[] = [];
  const rules = new Map<string, (request: Omit<Received, 'status'>) => Answer>();
  let taps: readonly object[] = [];
  let server: Server;
  let port = 0;

  const up = async (): Promise<void> => {
    server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const path = incoming.url ?? '';
        const request = {
          at: Date.now(),
          path,
          headers: incoming.headers,
          body: Buffer.concat(chunks),
        };
        const answer =
          path === '/apis/clover.dev/v1alpha1/taps'
            ? { status: 200, body: JSON.stringify(tapListOf(taps)) }
            : (rules.get(path)?.(request) ?? { status: 202 });
        received.push({ ...request, status: answer.status });
        outgoing.writeHead(answer.status, answer.headers).end(answer.body);
      });
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  };
  await up();

  const accepted = (path: string): Received[] =>
    received.filter((request) => request.path === path && request.status < 300);

  return {
    url: `http://127.0.0.1:${port}`,
    received,
    answer: (path, rule) => rules.set(path, rule),
    setTaps: (wanted) => {
      taps = wanted;
    },
    up,
    async down() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
    storedSpans: () =>
      new Map(
        accepted('/functions/ingest').map(({ headers, body }) => {
          const spans = Number(headers['ce-cloverspans']);
          if (zstdDecompressSync(body).length !== spans * 64) throw new Error('not the batch');
          return [`${String(headers['ce-source'])} ${String(headers['ce-id'])}`, spans];
        }),
      ),
    reports: () =>
      accepted('/broker').map(({ body }) => evidenceReport.parse(JSON.parse(body.toString()))),
  };
}

/** A Tap as the API shows it. */
export function tap(
  namespace: string,
  matchLabels: Record<string, string>,
  ports?: number[],
  kept: object = {},
): object {
  return {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'Tap',
    metadata: { namespace, name: 'tap', uid: 'u', resourceVersion: '1', generation: 1 },
    spec: { selector: { matchLabels }, ...(ports === undefined ? {} : { ports }), ...kept },
    status: {},
  };
}

function tapListOf(items: readonly object[]): object {
  return {
    apiVersion: 'clover.dev/v1alpha1',
    kind: 'TapList',
    metadata: { resourceVersion: '7' },
    items,
  };
}
