import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { end, start } from './command.ts';
import type { Host } from './network.ts';

/** A running nsd, an authoritative DNS server. */
export interface Nsd {
  readonly port: number;
  /** A file of queries that it has answers to, as dnsperf reads it. */
  readonly queries: string;
  stop(): Promise<void>;
}

const port = 5_300;
const names = Array.from({ length: 1_000 }, (_one, at) => `host-${at}`);

/** Starts nsd inside `host`, with everything that it reads and writes in `dir`. It listens a little later. */
export async function startNsd(host: Host, dir: string): Promise<Nsd> {
  const config = join(dir, 'nsd.conf');
  const queries = join(dir, 'queries');
  await writeFile(join(dir, 'bench.zone'), zoneText);
  await writeFile(queries, names.map((name) => `${name}.bench.test A\n`).join(''));
  await writeFile(config, configText(host, dir));
  const nsd = start(...host.inside(['nsd', '-d', '-c', config]));
  return { port, queries, stop: () => end(nsd) };
}

const zoneText = `$ORIGIN bench.test.
@ 60 IN SOA ns hostmaster 1 60 60 60 60
@ 60 IN NS ns
ns 60 IN A 198.18.0.1
${names.map((name) => `${name} 60 IN A 192.0.2.7\n`).join('')}`;

const configText = ({ address }: Host, dir: string): string => `
server:
  ip-address: ${address}@${port}
  server-count: 1
  username: ""
  zonesdir: ${dir}
  database: ""
  pidfile: ${dir}/nsd.pid
  xfrdfile: ${dir}/xfrd.state
  xfrdir: ${dir}
  zonelistfile: ${dir}/zone.list
  verbosity: 0
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: bench.test
  zonefile: bench.zone
`;
