import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { freePort } from '../../../functions/lib/free-port.ts';
import { admission, certificateSecret } from '../../../knative/render/admission/names.ts';
import { accountToken } from '../../cloverctl/installation/cluster.ts';
import type { ApiOfFile } from '../../cluster/api-of-file.ts';

const program = fileURLToPath(new URL('../../../functions/admission/main.ts', import.meta.url));

/** The namespace that the webhook belongs to. */
export const ownNamespace = 'clover-system';

/** A webhook as a process, that the API server reaches on loopback. */
export interface RunningWebhook {
  readonly port: number;
  readonly process: ChildProcess;
  /** SHA-256 of the certificate that it shows now. */
  certificate(): Promise<string>;
  /** SIGTERM, and the code that it ends with. */
  end(): Promise<number | null>;
}

/** Starts one with the account that it has in a cluster; resolves once it serves. */
export async function startWebhook(
  t: Pick<ExecutionContext, 'teardown'>,
  { tier, client }: ApiOfFile,
  settings: { readonly configuration: string; readonly lifetime?: string; readonly port?: number },
): Promise<RunningWebhook> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-admission-'));
  await writeFile(join(folder, 'ca.crt'), tier.authority);
  const token = await accountToken(client, ownNamespace, admission);
  await writeFile(join(folder, 'token'), token);
  const port = settings.port ?? (await freePort());
  const { hostname, port: apiPort } = new URL(tier.server);
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      ...process.env,
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: apiPort,
      SERVICE_ACCOUNT_FOLDER: folder,
      POD_NAMESPACE: ownNamespace,
      ADMISSION_SECRET: certificateSecret,
      ADMISSION_CONFIGURATION: settings.configuration,
      ADMISSION_NAMES: 'localhost',
      ADMISSION_CERTIFICATE_LIFETIME: settings.lifetime ?? '24h',
      PORT: String(port),
    },
  });
  const ended: Promise<unknown[]> = once(child, 'exit');
  const end = async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await ended;
    }
    return child.exitCode;
  };
  t.teardown(async () => {
    await end();
    await rm(folder, { recursive: true });
  });
  const certificate = (): Promise<string> => shownAt(port);
  while (!(await isThere(certificate))) {
    if (child.exitCode !== null) throw new Error('the webhook ended');
    await sleep(50);
  }
  return { port, process: child, certificate, end };
}

async function isThere(certificate: () => Promise<string>): Promise<boolean> {
  try {
    await certificate();
    return true;
  } catch {
    return false;
  }
}

function shownAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: 'localhost', port, rejectUnauthorized: false });
    socket.once('secureConnect', () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
