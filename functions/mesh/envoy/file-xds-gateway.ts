import { canonicalJson } from '../../lib/canonical-json.ts';
import type { Clock } from '../../lib/clock.ts';
import { CloverError, type ErrorDetail } from '../../lib/errors.ts';
import { createEnvoyAdmin, type Subscription } from './admin.ts';
import { portName } from './renderer.ts';
import { resourceName, type EnvoyResources, type Json } from './resources.ts';
import type { ExplainRejection } from './validator.ts';
import type { Acknowledgement, Gateway } from './gateway.ts';
import { openXdsFiles, type XdsContent } from './xds-files.ts';
import { xdsFile } from './xds-layout.ts';

/** Options of {@link createFileXdsGateway}. */
export interface FileXdsGatewayOptions {
  /** Folder of the files, absolute; made if missing. */
  readonly xdsDir: string;
  /** Envoy's admin socket. */
  readonly adminSocket: string;
  readonly clock: Clock;
  /** Finds the reason of a rejection; without it the error points at Envoy's log. */
  readonly explain?: ExplainRejection;
  /** How long each step waits for Envoy. @default 2,000 */
  readonly acknowledgeMs?: number;
}

/** One file with what should be in it. */
interface Part {
  readonly name: string;
  readonly file: string;
  /** Prefix of its subscription's statistics. */
  readonly statistics: string;
  readonly resources: readonly Json[];
}

type Subscriptions = ReadonlyMap<string, Subscription>;

const clustersPart = (resources: readonly Json[]): Part => ({
  name: 'clusters',
  file: xdsFile.clusters,
  statistics: 'cluster_manager.cds',
  resources,
});

const listenersPart = (resources: readonly Json[]): Part => ({
  name: 'listeners',
  file: xdsFile.listeners,
  statistics: 'listener_manager.lds',
  resources,
});

const routesPart = (port: string, resource: Json): Part => ({
  name: `routes/${port}`,
  file: xdsFile.routes(port),
  statistics: `http.${portName(port)}.rds.${portName(port)}`,
  resources: [resource],
});

/**
 * Programs one Envoy through files.
 *
 * Order: new clusters, acknowledged; routes and listeners, acknowledged; then clusters and ports that nothing uses any
 * more go. A part that is in place already is not written, so a mere change of weights is one rename. When Envoy
 * does not answer, the same files are written without waiting, and nothing is removed yet.
 */
export function createFileXdsGateway(options: FileXdsGatewayOptions): Gateway & { close(): void } {
  const { xdsDir, clock, acknowledgeMs = 2_000 } = options;
  const files = openXdsFiles(xdsDir);
  const admin = createEnvoyAdmin({ socketPath: options.adminSocket });
  /** The subscriptions when they were last seen: what grows after that is due to our writes. */
  let seen: Subscriptions | undefined;

  const isInPlace = (part: Part): boolean =>
    canonicalJson(files.read(part.file)?.resources) === canonicalJson(part.resources);

  const publish = async (version: number, parts: readonly Part[]): Promise<Acknowledgement> => {
    seen ??= await admin.subscriptions();
    const previous = new Map<Part, XdsContent | undefined>();
    for (const part of parts.filter((each) => !isInPlace(each))) {
      previous.set(part, files.read(part.file));
      files.replace(part.file, { version_info: String(version), resources: [...part.resources] });
    }
    const { answer, refused } = await waitFor(parts);
    for (const part of refused) {
      // An Envoy that starts again must find something that it takes. The suffix keeps this from
      // being mistaken for the acknowledgement of the refused content.
      const { resources } = previous.get(part) ?? {};
      if (resources) files.replace(part.file, { version_info: `${version}-restored`, resources });
    }
    if (refused.length > 0) throw new Rejected(refused);
    return answer;
  };

  const waitFor = async (
    parts: readonly Part[],
  ): Promise<{ answer: Acknowledgement; refused: readonly Part[] }> => {
    const before = seen;
    const deadline = clock.now() + acknowledgeMs;
    let pending = [...parts];
    for (let pause = 1; ; pause = Math.min(pause * 2, 25)) {
      const now = await admin.subscriptions();
      seen = now;
      if (now === undefined) {
        return { answer: { state: 'unknown', message: 'Envoy cannot be reached' }, refused: [] };
      }
      pending = pending.filter(
        ({ statistics, file }) => now.get(statistics)?.version !== files.read(file)?.version_info,
      );
      if (pending.length === 0) return { answer: { state: 'acknowledged' }, refused: [] };
      const refused = pending.filter((part) => hasRefused(part, before, now));
      // Routes of a new port are never asked for when its listener is refused.
      const isDecided =
        refused.length === pending.length || refused.some(({ name }) => name === 'listeners');
      if (isDecided || clock.now() >= deadline) {
        const names = pending.map(({ name }) => name).join(', ');
        const message = `Envoy did not acknowledge ${names} within ${acknowledgeMs} ms`;
        return { answer: { state: 'unknown', message }, refused };
      }
      await clock.sleep(pause);
    }
  };

  const apply = async (version: number, resources: EnvoyResources): Promise<Acknowledgement> => {
    if (files.fence() > version) {
      throw new CloverError('CLV_CONFLICT', `snapshot ${files.fence()} is already in place`);
    }
    const wanted = new Set(resources.clusters.map(resourceName));
    const leaving = (files.read(xdsFile.clusters)?.resources ?? []).filter(
      (cluster) => !wanted.has(resourceName(cluster)),
    );
    const union = clustersPart([...resources.clusters, ...leaving]);
    if (!isInPlace(union)) await publish(version, [union]);

    const answer = await publish(version, [
      ...Object.entries(resources.routes).map(([port, routes]) => routesPart(port, routes)),
      listenersPart(resources.listeners),
    ]);
    if (answer.state !== 'acknowledged') return answer;

    for (const port of files.ports()) {
      if (!Object.hasOwn(resources.routes, port)) files.removePort(port, version);
    }
    return publish(version, [clustersPart(resources.clusters)]);
  };

  const explain = async (part: Part, resources: EnvoyResources): Promise<string> => {
    const log = `Envoy refused ${part.name}; its log says why`;
    const isListeners = part.name === 'listeners';
    const known = isListeners ? (await admin.listenerErrors()).join('; ') : '';
    if (known !== '') return known;
    const port = /^routes\/(.+)$/.exec(part.name)?.[1];
    const suspects = {
      clusters: resources.clusters,
      listeners: isListeners ? resources.listeners : [],
      routes: port === undefined ? {} : { [port]: resources.routes[port] ?? null },
    };
    return (await options.explain?.(suspects)) ?? log;
  };

  return {
    xdsDir,
    fence: () => files.fence(),
    apply: async ({ version, resources }) => {
      try {
        return await apply(version, resources);
      } catch (error) {
        if (!(error instanceof Rejected)) throw error;
        const details: ErrorDetail[] = [];
        for (const part of error.parts) {
          details.push({ field: part.name, message: await explain(part, resources) });
        }
        const reasons = details.map(({ field, message }) => `${field}: ${message}`).join('; ');
        throw new CloverError('CLV_GATEWAY_REJECTED', `Envoy refused ${reasons}`, { details });
      }
    },
    close: () => admin.close(),
  };
}

/** Parts that Envoy refused, before their reasons are known. */
class Rejected extends Error {
  readonly parts: readonly Part[];

  constructor(parts: readonly Part[]) {
    super('rejected');
    this.parts = parts;
  }
}

function hasRefused(part: Part, before: Subscriptions | undefined, now: Subscriptions): boolean {
  const refusals = now.get(part.statistics)?.rejected ?? 0;
  const earlier = before?.get(part.statistics)?.rejected ?? 0;
  return refusals > earlier;
}
