import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { ip } from '../../../cloverctl/supervisor/links.ts';
import { createSupervisor } from '../../../cloverctl/supervisor/processes.ts';
import { createRunFolder } from '../../../cloverctl/supervisor/run-record.ts';
import { takeDown } from '../../../cloverctl/supervisor/sweep.ts';

/** Servers behind a veth: an API server takes no endpoint on loopback. */
export interface UpstreamNetwork {
  readonly address: string;
  /** Port of a server, by its name. */
  readonly ports: Readonly<Record<string, number>>;
  close(): Promise<void>;
}

const program = join(import.meta.dirname, 'fixtures/upstreams.ts');

/** Starts servers in a network namespace of their own, in 198.18.0.0/15 (RFC 2544). It needs root. */
export async function startUpstreams(names: readonly string[]): Promise<UpstreamNetwork> {
  const tag = randomBytes(3).toString('hex');
  const [namespace, link] = [`clv${tag}`, `clv${tag}u`];
  const subnet = `198.${18 + (randomBytes(1).readUInt8() % 2)}.${randomBytes(1).readUInt8()}`;
  const host = (randomBytes(1).readUInt8() & 0xfc) + 1;
  const address = `${subnet}.${host + 1}`;
  const run = createRunFolder('upstreams');
  const supervisor = createSupervisor({ run, log: pino({ level: 'silent' }) });
  run.update(() => ({ namespaces: [namespace], links: [link] }));
  await run.make(async () => {
    await ip([
      `netns add ${namespace}`,
      `link add ${link} type veth peer name eth0 netns ${namespace}`,
      `addr add ${subnet}.${host}/30 dev ${link}`,
      `link set ${link} up`,
    ]);
    await ip(['link set lo up', `addr add ${address}/30 dev eth0`, 'link set eth0 up'], namespace);
  });
  const ports = Object.fromEntries(names.map((name, index) => [name, 8_101 + index]));
  const servers = Object.entries(ports).map(([name, port]) => `${name}=${port}`);
  await supervisor.start({
    name: 'upstreams',
    command: process.execPath,
    args: [program, address, ...servers],
    namespace,
  });
  for (const port of Object.values(ports)) {
    while (!(await accepts(address, port))) await delay(20);
  }
  return {
    address,
    ports,
    close: async () => {
      await supervisor.stopAll();
      await takeDown(run);
    },
  };
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 });
    const end = (found: boolean): void => {
      socket.destroy();
      resolve(found);
    };
    socket.on('connect', () => end(true));
    socket.on('timeout', () => end(false));
    socket.on('error', () => end(false));
  });
}
