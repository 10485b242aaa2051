/** Version of the proxy, the part of the sample that is released again and again. */
export type ProxyVersion = 'v1' | 'v2' | 'v3';

/** One pod of the Service Delivery Controller. */
export interface SdcPod {
  readonly name: string;
  /** Label `app.kubernetes.io/name`. */
  readonly app: string;
  /** Label `app.kubernetes.io/version`, where the app has versions. */
  readonly version?: ProxyVersion;
  /** In 198.18.0.0/24 (RFC 2544 §C.2.2: never on the Internet). */
  readonly address: string;
  /** What nginx does in it; absent for the pods that others start programs in. */
  readonly role?: 'proxy' | 'lb' | 'web';
}

/** Namespace label of every pod and manifest of the sample. */
export const sdcNamespace = 'sdc';

/** TCP port that every server of the sample, and the gateway, listens on. */
export const sdcPort = 8080;

/** Length of the prefix of the sample's network. */
export const sdcPrefix = 24;

/** The pods, callers first: client → gateway → proxy → lb → web-1..3. */
export const sdcPods = {
  client: { name: 'client', app: 'client', address: '198.18.0.2' },
  gateway: { name: 'gateway', app: 'gateway', address: '198.18.0.10' },
  'proxy-v1': {
    name: 'proxy-v1',
    app: 'proxy',
    version: 'v1',
    address: '198.18.0.21',
    role: 'proxy',
  },
  'proxy-v2': {
    name: 'proxy-v2',
    app: 'proxy',
    version: 'v2',
    address: '198.18.0.22',
    role: 'proxy',
  },
  'proxy-v3': {
    name: 'proxy-v3',
    app: 'proxy',
    version: 'v3',
    address: '198.18.0.23',
    role: 'proxy',
  },
  lb: { name: 'lb', app: 'lb', address: '198.18.0.30', role: 'lb' },
  'web-1': { name: 'web-1', app: 'web', address: '198.18.0.41', role: 'web' },
  'web-2': { name: 'web-2', app: 'web', address: '198.18.0.42', role: 'web' },
  'web-3': { name: 'web-3', app: 'web', address: '198.18.0.43', role: 'web' },
} as const satisfies Record<string, SdcPod>;

/** Name of a pod of the sample. */
export type SdcPodName = keyof typeof sdcPods;

/** The pod of a version of the proxy. */
export function proxyPod(version: ProxyVersion): SdcPodName {
  return `proxy-${version}`;
}

/** The pods that are there from the beginning: all but the proxy's later versions. */
export const firstPods: readonly SdcPodName[] = [
  'web-1',
  'web-2',
  'web-3',
  'lb',
  'proxy-v1',
  'gateway',
  'client',
];
