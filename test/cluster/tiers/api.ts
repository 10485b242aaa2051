import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Supervisor } from '../../../cloverctl/supervisor/processes.ts';
import { freePort } from '../../../functions/lib/free-port.ts';
import type { Programs } from '../build.ts';
import { kubeconfig, makeCredentials, type Component } from './credentials.ts';

/** A Kubernetes API: etcd, kube-apiserver and kube-controller-manager. */
export interface ApiTier {
  readonly server: string;
  /** Path of an administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** PEM of the authority that has signed the server's certificate. */
  readonly authority: string;
  readonly adminToken: string;
  /** Paths of kubeconfigs of the components, by their names. */
  readonly kubeconfigs: ReadonlyMap<string, string>;
  /** Where etcd answers, without TLS. */
  readonly etcd: string;
  /** Ends the API server and starts it again: what it knew of the past is gone. */
  restartApiServer(): Promise<void>;
}

/** Options of {@link startApi}. */
export interface ApiOptions {
  readonly supervisor: Supervisor;
  readonly programs: Programs;
  /** Folder for data, certificates and the kubeconfig; made if it is missing. */
  readonly folder: string;
  /** Where the API server listens. Default: 127.0.0.1, which no pod reaches. */
  readonly address?: string;
  /** Addresses of Services. Default: 10.96.0.0/16, which nothing routes. */
  readonly services?: string;
  readonly components?: readonly Component[];
  /** More arguments of kube-apiserver. */
  readonly apiServerArgs?: readonly string[];
}

const loopback = '127.0.0.1';
const readyWithinMs = 60_000;

/**
 * Starts the tier; resolves when it is ready.
 * @throws Error with the end of its log when a program ends, or is not ready in a minute.
 */
export async function startApi(options: ApiOptions): Promise<ApiTier> {
  const { supervisor, programs, folder, components, services = '10.96.0.0/16' } = options;
  const { address = loopback } = options;
  const certificates = join(folder, 'certificates');
  mkdirSync(certificates, { recursive: true, mode: 0o700 });
  const credentials = makeCredentials(folder, components);
  const [client, peer, secure] = [await freePort(), await freePort(), await freePort()];
  const etcd = `http://127.0.0.1:${client}`;
  const server = `https://${address}:${secure}`;
  const start = async (name: string, args: readonly string[], restart = true): Promise<void> => {
    await supervisor.start({ name, command: programs[name] ?? name, args, restart });
  };

  await start('etcd', [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${etcd}`,
    `--advertise-client-urls=${etcd}`,
    `--listen-peer-urls=http://127.0.0.1:${peer}`,
    `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
    `--initial-cluster=default=http://127.0.0.1:${peer}`,
    // Nothing here has to survive a power cut.
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]);
  await start('kube-apiserver', [
    `--etcd-servers=${etcd}`,
    `--bind-address=${address}`,
    `--secure-port=${secure}`,
    `--cert-dir=${certificates}`,
    `--token-auth-file=${credentials.tokenFile}`,
    '--authorization-mode=Node,RBAC',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${credentials.accountPublicKeyFile}`,
    `--service-account-signing-key-file=${credentials.accountKeyFile}`,
    `--service-cluster-ip-range=${services}`,
    // A loopback address is no endpoint of a Service.
    ...(address === loopback ? ['--endpoint-reconciler-type=none'] : []),
    '--allow-privileged',
    ...(options.apiServerArgs ?? []),
  ]);
  const authorityFile = join(certificates, 'apiserver.crt');
  const ready = async (): Promise<void> => {
    const until = Date.now() + readyWithinMs;
    while (!(await isReady(server, authorityFile))) {
      if (Date.now() > until) {
        const tail = supervisor.tail('kube-apiserver');
        throw new Error(`kube-apiserver is not ready after ${readyWithinMs / 1_000} s:\n${tail}`);
      }
      await sleep(50);
    }
  };
  await ready();
  // The server's own certificate, and the one that has signed it: only that is an authority.
  const [authority = ''] =
    /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n$/.exec(
      readFileSync(authorityFile, 'utf8'),
    ) ?? [];
  const rootFile = join(folder, 'authority.crt');
  writeFileSync(rootFile, authority);
  const configured = (name: string, token: string): string => {
    const path = join(folder, name);
    writeFileSync(path, kubeconfig(server, authority, token), { mode: 0o600 });
    return path;
  };
  const file = configured('kubeconfig', credentials.adminToken);
  const kubeconfigs = new Map(
    [...credentials.tokens].map(([name, token]) => [name, configured(`${name}.kubeconfig`, token)]),
  );
  await start('kube-controller-manager', [
    `--kubeconfig=${file}`,
    `--service-account-private-key-file=${credentials.accountKeyFile}`,
    `--root-ca-file=${rootFile}`,
    '--use-service-account-credentials',
    '--leader-elect=false',
    '--secure-port=0',
  ]);
  return {
    server,
    kubeconfig: file,
    authority,
    adminToken: credentials.adminToken,
    kubeconfigs,
    etcd,
    restartApiServer: async () => {
      await supervisor.stop('kube-apiserver');
      await supervisor.restart('kube-apiserver');
      await ready();
    },
  };
}

/** `/readyz` is open to everybody. */
function isReady(server: string, authorityFile: string): Promise<boolean> {
  return new Promise((resolve) => {
    let ca: Buffer;
    try {
      ca = readFileSync(authorityFile);
    } catch {
      resolve(false);
      return;
    }
    const asked = request(`${server}/readyz`, { ca, timeout: 2_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('error', () => resolve(false));
    asked.on('timeout', () => asked.destroy());
    asked.end();
  });
}
