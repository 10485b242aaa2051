import type { Clock } from '../lib/clock.ts';
import type { ServiceDirectory } from './backend.ts';
import type { EndpointSlice } from './cluster-services.ts';
import type { Prober } from './probe.ts';
import type { IngressPorts } from './translate.ts';

/** Where this controller's own Envoy listens. */
const own = '127.0.0.1';
const lookMs = 1_000;
/** A pause of a busy machine is no end of an Envoy. */
const mostMisses = 3;

/** Options of {@link watchEnvoys}. */
export interface EnvoysOptions {
  readonly prober: Pick<Prober, 'isUp'>;
  readonly directory: Pick<ServiceDirectory, 'slices'>;
  readonly ports: IngressPorts;
  /** The Service of the external port, as `<namespace>/<name>`. */
  readonly service: string;
  /** Address of this pod; absent outside of one. */
  readonly podAddress?: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The own Envoy takes requests again, or does not any more. */
  readonly onChange: (isUp: boolean) => void;
}

/** The Envoys of this network layer. */
export interface Envoys {
  /** Addresses to ask before anything is called ready. None: nobody takes requests. */
  addresses(): readonly string[];
  /** Whether the own one takes requests; undefined before that is known. */
  isUp(): boolean | undefined;
  /** Whether this pod is to end: who asks for the Service is not sent here any more. */
  isEnding(): boolean;
}

/**
 * Looks after the own Envoy once a second. Those of other pods are known by the endpoints of the Service: the kubelet looks
 * after them.
 */
export function watchEnvoys(options: EnvoysOptions): Envoys {
  const { prober, directory, ports, service, podAddress, clock, signal, onChange } = options;
  let up: boolean | undefined;
  let misses = 0;

  const look = async (): Promise<void> => {
    const answers = await Promise.all(
      [ports.external, ports.internal].map((port) => prober.isUp({ address: own, port })),
    );
    misses = answers.every(Boolean) ? 0 : misses + 1;
    if (misses > 0 && misses < mostMisses) return;
    const isUp = misses === 0;
    if (isUp === up) return;
    up = isUp;
    onChange(isUp);
  };
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await look();
      await clock.sleep(lookMs, signal).catch(() => undefined);
    }
  };
  void run();

  const endpoints = () => directory.slices(service).flatMap(endpointsOf);
  return {
    addresses: () => {
      const others = endpoints().filter(
        ({ address, isReady }) => isReady && address !== podAddress,
      );
      return [...(up === false ? [] : [own]), ...others.map(({ address }) => address)];
    },
    isUp: () => up,
    isEnding: () => endpoints().some(({ address, isEnding }) => isEnding && address === podAddress),
  };
}

interface Endpoint {
  readonly address: string;
  readonly isReady: boolean;
  readonly isEnding: boolean;
}

function endpointsOf({ endpoints }: EndpointSlice): Endpoint[] {
  return (endpoints ?? []).flatMap(({ addresses: [address], conditions }) =>
    address === undefined
      ? []
      : [
          {
            address,
            isReady: conditions?.ready !== false,
            isEnding: conditions?.terminating === true,
          },
        ],
  );
}
