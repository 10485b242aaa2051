/** Of the DaemonSet, its configuration and its account. */
export const agent = 'agent';

/** Health, the ledger and metrics. */
export const agentPort = 7701;

/** Where the container finds what is mounted. */
export const mounts = {
  config: '/etc/clover/config',
  token: '/etc/clover/token',
  spool: '/var/lib/clover/agent',
} as const;

/** The key of the configuration, and so its file. */
export const configFile = 'agent.json';
