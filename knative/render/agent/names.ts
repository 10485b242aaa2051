/** Of the DaemonSet, its configuration and its account. */
export const agent = 'agent';

/** Health and the ledger, on the node's loopback. */
export const agentPort = 9465;

/** Where the container finds what is mounted. */
export const mounts = {
  config: '/etc/clover/config',
  token: '/etc/clover/token',
  spool: '/var/lib/clover/agent',
  cgroup: '/host/sys/fs/cgroup',
  sinks: '/etc/clover/sinks',
} as const;

/** Where the token for ingest is, below its mount, with Knative. */
export const ingestTokenFile = 'ingest';

/** The key of the configuration, and so its file. */
export const configFile = 'agent.json';
