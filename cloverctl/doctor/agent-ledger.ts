import { z } from 'zod';
import { deliveries, judgeDeliveries } from './deliveries.ts';
import type { Finding } from './finding.ts';

const count = z.number();
const causes = z.record(z.string(), count);

const ledgerText = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(
    deliveries.extend({
      version: z.string().default('unknown'),
      atMs: count.exactOptional(),
      unexplained: count,
      capture: z.object({
        wire: z.object({ lost: causes }),
        bytes: z.object({ lost: causes }),
        requests: z.object({ seen: count, lost: causes }),
        sessions: z.object({ lost: causes }).default({ lost: {} }),
        accessLog: z.object({ lost: count }).default({ lost: 0 }),
        connections: z.object({ contradicted: causes.default({}) }).prefault({}),
        sockets: z
          .object({ deafPoints: count, compared: count, differ: causes })
          .default({ deafPoints: 0, compared: 0, differ: {} }),
      }),
      attachments: z.object({
        attached: count,
        points: z
          .array(z.object({ pod: z.string(), kind: z.string(), name: z.string() }))
          .default([]),
        waiting: count,
        unseen: z.array(z.object({ pod: z.string(), interface: z.string(), why: z.string() })),
      }),
      tls: z
        .array(
          z.object({
            pod: z.string(),
            library: z.string(),
            version: z.string(),
            file: z.string(),
            processes: count,
            read: z.boolean(),
            why: z.string().exactOptional(),
            wanted: z.boolean(),
          }),
        )
        .default([]),
      pods: z.object({ known: count }),
      taps: z.object({ known: count }),
    }),
  );

/** What an agent says of itself, as far as it is judged. */
export type AgentLedger = z.output<typeof ledgerText>;

/** Where a pod is seen. */
export type CapturePoint = AgentLedger['attachments']['points'][number];

/** When an agent was asked, by the clock of whoever did; Unix ms. */
export interface Asked {
  /** Of cloverctl. */
  readonly version: string;
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** As far as clocks that are looked after are apart at the most, ms. */
const clockToleranceMs = 1_000;

/**
 * Reads the answer of an agent's `/ledger`.
 * @throws z.ZodError, SyntaxError for what is none.
 */
export function readLedger(text: string): AgentLedger {
  return ledgerText.parse(text);
}

/** What is well with a node's agent, and what is not. */
export function judgeLedger(node: string, ledger: AgentLedger, asked: Asked): readonly Finding[] {
  return [
    work(node, ledger, asked),
    ...clock(node, ledger, asked),
    books(node, ledger),
    ...judgeDeliveries(node, ledger),
    ...contradictions(node, ledger),
    ...sockets(node, ledger),
    ...ledger.attachments.points.map(({ pod, kind, name }): Finding => ({
      check: `pod/${pod}`,
      state: 'good',
      found: `seen at ${kind === 'cgroup' ? 'its cgroup' : `its veth (${kind})`} ${name}; not seen: ${blindSpot(kind)}`,
    })),
    ...ledger.attachments.unseen.map(({ pod, interface: name, why }): Finding => ({
      check: `pod/${pod}`,
      state: 'doubtful',
      found: `${name === '*' ? 'it' : `its interface ${name}`} is not traced: ${why}`,
      fix: 'docs/agent-on-kubernetes.md says what can be seen',
    })),
    ...ledger.tls.map(tls),
  ];
}

/** Ports that speak something else than a Service or a container says, as their connections have shown. */
function contradictions(node: string, { capture }: AgentLedger): Finding[] {
  const ports = Object.keys(capture.connections.contradicted);
  if (ports.length === 0) return [];
  const found = `a port says one protocol and speaks another: ${ports.join('; ')}`;
  const fix = 'it is traced as what it speaks: name it so, or set appProtocol of its Service';
  return [{ check: `ports on ${node}`, state: 'doubtful', found, fix }];
}

/** What a pod encrypts by itself. */
function tls({
  pod,
  library,
  version,
  file,
  processes,
  wanted,
  ...rest
}: AgentLedger['tls'][number]): Finding {
  const check = `tls of pod/${pod}`;
  const name = version === '' ? library : `${library} ${version}`;
  const by = processes === 1 ? '1 process' : `${processes} processes`;
  const found = `${name} in ${file} (${by})`;
  if (rest.read) return { check, state: 'good', found: `${found}: read` };
  const unread = `${found}: not read, ${rest.why ?? 'for no reason that it tells'}`;
  if (!wanted) return { check, state: 'good', found: unread };
  const fix = 'docs/tracing.md says which libraries can be read';
  return { check, state: 'doubtful', found: unread, fix };
}

/** What passes a point unseen; docs/tracing.md has the reasons. */
function blindSpot(kind: string): string {
  return kind === 'cgroup'
    ? 'what it encrypts by itself, and what its sidecar says to others'
    : 'what is encrypted, also by its sidecar, and what stays in the pod';
}

function work(node: string, { version, attachments, taps }: AgentLedger, asked: Asked): Finding {
  const check = `agent on ${node}`;
  const { attached, waiting } = attachments;
  const found = `${version}, ${attached} points of pods traced, ${taps.known} Taps known`;
  if (version !== asked.version) {
    const fix = `this is cloverctl ${asked.version}: wait for the rollout, or see cloverctl upgrade`;
    return { check, state: 'doubtful', found, fix };
  }
  if (waiting === 0) return { check, state: 'good', found };
  const fix = 'kubectl logs of the agent tells which, and why';
  return { check, state: 'doubtful', found: `${found}, ${waiting} pods not traced yet`, fix };
}

/** None where an older agent does not tell the time. */
function clock(node: string, { atMs }: AgentLedger, { askedAt, answeredAt }: Asked): Finding[] {
  if (atMs === undefined) return [];
  const check = `clock of ${node}`;
  const off = atMs - (askedAt + answeredAt) / 2;
  const found = `${(Math.abs(off) / 1_000).toFixed(1)} s ${off < 0 ? 'behind' : 'ahead of'} this machine's`;
  // It was read at any time between question and answer.
  const sure = Math.abs(off) - (answeredAt - askedAt) / 2;
  if (sure <= clockToleranceMs) return [{ check, state: 'good', found }];
  const fix = 'synchronise both clocks (NTP): judging compares times of nodes and of functions';
  return [{ check, state: 'doubtful', found, fix }];
}

function books(node: string, { unexplained, capture }: AgentLedger): Finding {
  const check = `ledger of ${node}`;
  const { wire, bytes, requests, sessions, accessLog } = capture;
  const found = `${requests.seen} requests seen`;
  if (unexplained > 0) {
    const fix = 'this is a bug of Clover: please report it, with /ledger of the agent';
    return { check, state: 'bad', found: `${found}, ${unexplained} of them unexplained`, fix };
  }
  // Requests that were open when their pod went are nobody's fault.
  const { detached: _, ...others } = requests.lost;
  const { detached: __, ...otherSessions } = sessions.lost;
  const groups = {
    wire: wire.lost,
    bytes: bytes.lost,
    requests: others,
    sessions: otherSessions,
    accessLog: { backlog: accessLog.lost },
  };
  const lost = Object.entries(groups).flatMap(([group, byCause]) =>
    Object.entries(byCause).flatMap(([cause, lostCount]) =>
      lostCount === 0 ? [] : [`${group}.${cause} ${lostCount}`],
    ),
  );
  if (lost.length === 0) return { check, state: 'good', found: `${found}, none lost` };
  const fix = 'docs/tracing.md and docs/telemetry.md say what the causes mean';
  return { check, state: 'doubtful', found: `${found}; lost: ${lost.join(', ')}`, fix };
}

/** None where what came up is what the kernel has counted at the sockets. */
function sockets(node: string, { capture }: AgentLedger): Finding[] {
  const { deafPoints, compared, differ } = capture.sockets;
  const check = `sockets of ${node}`;
  const fix = 'docs/tracing.md says what passes an agent, and how to find it';
  const differing = Object.entries(differ).filter(([, times]) => times > 0);
  const named = differing.map(([name, times]) => `${name} ${times}`).join(', ');
  const found = [
    ...(named === ''
      ? []
      : [`of ${compared} compared some had bytes that the agent did not see: ${named}`]),
    ...(deafPoints === 0
      ? []
      : [`at ${deafPoints} cgroups another program keeps the agent from asking them`]),
  ];
  return found.map((text) => ({ check, state: 'doubtful', found: text, fix }));
}
