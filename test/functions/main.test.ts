import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { createIdentity } from '../../functions/admission/certificate.ts';
import { listenOnLoopback, temporaryFolder } from './host/helpers.ts';

/** Functions that ask the API server at their first request, and the API, which loads its routes for it. */
for (const name of ['api', 'evaluate', 'ingest', 'notify', 'policy']) {
  test(`${name} has a connection to the API server before anybody asks it`, async (t) => {
    const identity = createIdentity({
      names: ['localhost'],
      now: Date.now(),
      lifetimeMs: 3_600_000,
    });
    const { certificate: cert, key, authority } = identity;
    const asked = Promise.withResolvers<string>();
    const server = createServer({ cert, key }, ({ method, url }, response) => {
      response.end('{}');
      asked.resolve(`${method} ${url}`);
    });
    const port = await listenOnLoopback(server);
    t.teardown(() => {
      server.close();
      server.closeAllConnections();
    });
    const folder = await temporaryFolder(t);
    await writeFile(join(folder, 'ca.crt'), authority);
    await writeFile(join(folder, 'token'), 'a-token');
    await writeFile(join(folder, 'namespace'), 'clover-system');
    const program = fileURLToPath(new URL(`../../functions/${name}/main.ts`, import.meta.url));
    const child = spawn(process.execPath, [program], {
      env: {
        PORT: '0',
        AGENT_ACCOUNT: 'agent',
        KUBERNETES_SERVICE_HOST: 'localhost',
        KUBERNETES_SERVICE_PORT: String(port),
        KUBERNETES_ACCOUNT_DIR: folder,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    t.teardown(() => child.kill('SIGKILL'));
    const exited: Promise<unknown[]> = once(child, 'exit');
    const ended = exited.then(([code]) => `it ended with ${String(code)}`);
    t.is(await Promise.race([asked.promise, ended]), 'GET /version');
    child.kill('SIGTERM');
    t.is(await ended, 'it ended with 0');
  });
}
