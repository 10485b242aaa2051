import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { sinkTokenFile } from '../functions/lib/authorization.ts';
import { CloverError } from '../functions/lib/errors.ts';
import { httpUrl } from '../knative/http-url.ts';
import { otlpHeaders, sinkName } from '../knative/sink-values.ts';
import { spoolBytes } from '../knative/spool-bytes.ts';
import { checked, missing, parseJson } from './checked.ts';

const powerOfTwo = z
  .int()
  .min(4096)
  .max(2 ** 30)
  .refine((value) => Number.isInteger(Math.log2(value)), 'must be a power of two');

const token = z.string().regex(/^[\x21-\x7e]+$/, 'must be visible ASCII');
const url = z.url({ protocol: /^http$/, error: 'must be an http:// URL' });

const server = z
  .strictObject({
    url,
    token: token.optional(),
    /** Read again each minute, in place of `token`. */
    tokenFile: z.string().min(1).optional(),
  })
  .refine((one) => one.token === undefined || one.tokenFile === undefined, {
    message: 'token and tokenFile exclude each other',
  });

const spoolLimit = z.int().min(spoolBytes.least).max(spoolBytes.most);

const collector = z
  .strictObject({
    /** OTLP: binary protobuf over HTTP/1.1, or gRPC. */
    protocol: z.enum(['http', 'grpc']).default('http'),
    /** Base URL, as `OTEL_EXPORTER_OTLP_ENDPOINT` names it: `http://collector:4318`, and of gRPC `http://collector:4317`. */
    endpoint: httpUrl,
    headers: otlpHeaders.default({}),
    token: token.optional(),
    /** Read again each minute, in place of `token`. */
    tokenFile: z.string().min(1).optional(),
    /** PEM of who signs the receiver. */
    caFile: z.string().min(1).optional(),
    /** Bytes of undelivered spans on disk; the oldest go first above it. */
    spoolLimitBytes: spoolLimit.default(64 * 2 ** 20),
  })
  .refine((one) => one.token === undefined || one.tokenFile === undefined, {
    message: 'token and tokenFile exclude each other',
  });

/** A collector that spans are sent to beside ingest, where a Tap says so. */
export type SinkConfig = z.output<typeof collector>;

/** Where a pod finds its service account. */
const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';
/** Of the memory that a container's limit counts, the ring is most: 64 MiB of it would not fit 96 MiB. */
const ringBytesInPod = 16 * 1024 * 1024;
const ringBytesOnHost = 64 * 1024 * 1024;

/** Schema of the agent's configuration file. */
export const agentConfig = z
  .strictObject({
    /** On Kubernetes, where it is left out, `NODE_NAME` is both. */
    node: z
      .strictObject({
        uid: z.string().regex(/^[A-Za-z0-9][-A-Za-z0-9_.]*$/, 'must be letters, digits and "-_."'),
        name: z.string().min(1),
      })
      .optional(),
    /** Pods from a file; see `pod-file.ts`. */
    podsFile: z.string().min(1).optional(),
    /** Pods and Taps from the API server, as a pod's service account reaches it. */
    kubernetes: z
      .strictObject({
        accountFolder: z.string().min(1).default(accountFolder),
        /** Where `/metrics` is served to whom the cluster lets, at the address `POD_IP`. Default: nowhere. */
        metricsPort: z.int().min(1).max(65_535).exactOptional(),
      })
      .optional(),
    /** Namespaces whose pods are never traced, beside that of the agent: what carries Clover's own events and spans is there. */
    untapped: z.array(z.string().min(1)).default([]),
    /** Clover in one process: takes spans and evidence, and tells Taps. */
    controlPlane: server.optional(),
    /** Takes spans in place of the control plane: the ingest function itself. */
    ingest: server.optional(),
    /** Where health and the ledger are served. Port 0 takes a free one and logs it. */
    listen: z.strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.int().min(0).max(65_535),
    }),
    spool: z.strictObject({
      dir: z.string().min(1),
      /** Bytes of undelivered spans on disk; the oldest go first above it. */
      limitBytes: spoolLimit.default(256 * 2 ** 20),
    }),
    /** Collectors, by the names that Taps have for them. */
    sinks: z.record(sinkName, collector).default({}),
    /** By which agents of a node hand over to each other. Default on Kubernetes: `agent.sock` beside the spool; else none. */
    handoverSocket: z.string().min(1).max(107, 'must be at most 107 bytes').optional(),
    /** What the process may take with its maps; the ring is part of it. Default: the limit of its cgroup, if it has one. */
    memoryLimitBytes: z
      .int()
      .min(64 * 2 ** 20)
      .optional(),
    capture: z
      .strictObject({
        /** Of the kernel's ring. Default: 64 MiB, on Kubernetes 16 MiB. */
        ringBytes: powerOfTwo.exactOptional(),
        openTimeoutMs: z.int().min(1).exactOptional(),
      })
      .default({}),
    logLevel: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
      .default('info'),
  })
  .superRefine((config, context) => {
    const complain = (field: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [field], message });
    const { podsFile, kubernetes, controlPlane } = config;
    if ((podsFile === undefined) === (kubernetes === undefined)) {
      complain('podsFile', 'give either podsFile or kubernetes');
    }
    if (kubernetes === undefined && controlPlane === undefined) {
      complain('controlPlane', 'is missing: it tells the Taps where there is no Kubernetes');
    }
  });

const environment = z.object({
  NODE_NAME: z.string().min(1).optional(),
  POD_NAMESPACE: z.string().min(1).optional(),
  // Empty while the node has no address yet, which a cloud's controller may have to give it.
  POD_IP: z
    .union([z.literal(''), z.ipv4(), z.ipv6()])
    .transform((text) => (text === '' ? undefined : text))
    .optional(),
  KUBERNETES_SERVICE_HOST: z.string().optional(),
  KUBERNETES_SERVICE_PORT: z.string().optional(),
  K_SINK: url.optional(),
  K_CE_OVERRIDES: z
    .string()
    // A SinkBinding without overrides sets it, too.
    .transform((text) => parseJson(text === '' ? '{}' : text))
    .pipe(z.looseObject({ extensions: z.record(z.string(), z.string()).default({}) }))
    .optional(),
});

/** A receiver of events, or the control plane's API. */
export interface Server {
  /** With its whole path. */
  readonly url: string;
  readonly token?: string | undefined;
  readonly tokenFile?: string | undefined;
}

/** The API server of this cluster. */
export interface KubernetesConfig {
  readonly accountFolder: string;
  /** The variables by which a pod finds it. */
  readonly env: Environment;
}

type FileConfig = z.output<typeof agentConfig>;

/** The agent's configuration, checked and with its defaults. */
export interface AgentConfig extends Pick<
  FileConfig,
  'listen' | 'spool' | 'sinks' | 'logLevel' | 'memoryLimitBytes'
> {
  readonly capture: { readonly ringBytes: number; readonly openTimeoutMs?: number };
  readonly node: { readonly uid: string; readonly name: string };
  /** Where pods and Taps are known from. */
  readonly source:
    | { readonly podsFile: string; readonly api: Server }
    | { readonly kubernetes: KubernetesConfig };
  /** Where those may scrape whom the cluster lets; undefined: nobody but who is on the node. */
  readonly scrape?: { readonly host: string; readonly port: number };
  /** Namespaces whose pods are never traced; that of the agent is one of them. */
  readonly untapped: ReadonlySet<string>;
  /** By which agents of a node hand over; undefined where there is only ever one. */
  readonly handoverSocket?: string;
  readonly spans: Server;
  /** Whoever takes spans and evidence rests while nobody asks, as functions on Knative do. */
  readonly onDemand: boolean;
  readonly evidence: Server & { readonly extensions: Readonly<Record<string, string>> };
}

/** Variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Checks a configuration.
 *
 * @throws CloverError CLV_CONFIG_INVALID; its message and details name each bad key, or variable of the environment.
 */
export function parseAgentConfig(text: string, env: Environment = {}): AgentConfig {
  const file = checked(agentConfig, parseJson(text), 'agent configuration');
  const variables = checked(environment, env, 'environment of the agent');
  return Object.freeze(resolve(file, variables));
}

function resolve(file: FileConfig, env: z.output<typeof environment>): AgentConfig {
  const { podsFile, kubernetes, controlPlane, untapped, listen, spool, sinks, capture, logLevel } =
    file;
  const name = env.NODE_NAME;
  const node = file.node ?? (name === undefined ? undefined : { uid: name, name });
  if (node === undefined) throw missing('node', 'is missing, and NODE_NAME is not set');
  const spans = file.ingest ?? below(controlPlane, '/functions/ingest');
  if (spans === undefined) throw missing('ingest', 'is missing, and there is no controlPlane');
  const evidence = sinkOf(env) ?? below(controlPlane, '/broker');
  if (evidence === undefined) {
    throw missing('controlPlane', 'is missing, and K_SINK is not set (SinkBinding)');
  }
  const onDemand = file.ingest !== undefined;
  const { memoryLimitBytes } = file;
  const limit = memoryLimitBytes === undefined ? {} : { memoryLimitBytes };
  const common = { listen, spool, sinks, logLevel, node, spans, onDemand, ...limit };
  const ringBytes = kubernetes === undefined ? ringBytesOnHost : ringBytesInPod;
  const { metricsPort, ...account } = kubernetes ?? {};
  const scrape = scrapeOf(metricsPort, env);
  const extensions = env.K_CE_OVERRIDES?.extensions ?? {};
  const handoverSocket =
    file.handoverSocket ?? (kubernetes === undefined ? undefined : join(spool.dir, 'agent.sock'));
  return {
    ...common,
    ...(handoverSocket === undefined ? {} : { handoverSocket }),
    ...(scrape === undefined ? {} : { scrape }),
    capture: { ringBytes, ...capture },
    evidence: { ...evidence, extensions },
    untapped: new Set([
      ...untapped,
      ...(env.POD_NAMESPACE === undefined ? [] : [env.POD_NAMESPACE]),
    ]),
    source:
      podsFile !== undefined && controlPlane !== undefined
        ? { podsFile, api: controlPlane }
        : { kubernetes: { accountFolder, ...account, env: apiServerOf(env) } },
  };
}

function scrapeOf(
  port: number | undefined,
  { POD_IP: host }: z.output<typeof environment>,
): AgentConfig['scrape'] {
  if (port === undefined) return undefined;
  if (host === undefined) throw missing('kubernetes.metricsPort', 'takes POD_IP, which is not set');
  return { host, port };
}

function apiServerOf(env: z.output<typeof environment>): Environment {
  const { KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT } = env;
  return { KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT };
}

/** The broker, by a SinkBinding. */
function sinkOf({ K_SINK: sink }: z.output<typeof environment>): Server | undefined {
  if (sink === undefined) return undefined;
  return { url: sink, ...(existsSync(sinkTokenFile) ? { tokenFile: sinkTokenFile } : {}) };
}

function below(parent: Server | undefined, path: string): Server | undefined {
  return parent && { ...parent, url: `${parent.url.replace(/\/+$/, '')}${path}` };
}

/**
 * Reads and checks the configuration file.
 *
 * @throws CloverError CLV_CONFIG_INVALID; also when the file cannot be read.
 */
export function readAgentConfig(path: string, env: Environment): AgentConfig {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CloverError('CLV_CONFIG_INVALID', `cannot read the configuration ${path}`, { cause });
  }
  return parseAgentConfig(text, env);
}
