import https from 'node:https';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { processLibraries } from '../../../agent/tls/process-libraries.ts';
import { createTlsAttachments } from '../../../agent/tls/tls-attachments.ts';
import { monotonicMs } from '../../../functions/lib/monotonic.ts';
import { tlsLibraryOf } from '../../../native/capture/tls-library.ts';
import { silent } from '../../functions/host/helpers.ts';
import { makeTlsBed, type TlsBed } from '../../native/capture/tls-bed.ts';

const server = ({ keyFile, certFile }: TlsBed): string => `
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
const options = { key: readFileSync('${keyFile}'), cert: readFileSync('${certFile}') };
const server = createServer(options, (_, response) => response.end('hello'));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

const ask = ({ certFile }: TlsBed, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const ca = readFileSync(certFile);
    const options = { host: '127.0.0.1', servername: 'localhost', port, ca, agent: false } as const;
    https
      .get({ ...options, path: `/${port}` }, (response) => response.resume().on('end', resolve))
      .on('error', reject);
  });

test.serial('processes of a pod are found and read, until no Tap asks any more', async (t) => {
  const bed = makeTlsBed(t);
  const attachments = createTlsAttachments({
    capture: bed.capture,
    processes: processLibraries({ libraryOf: tlsLibraryOf }),
    nowMs: monotonicMs,
    log: silent,
  });
  const look = (wanted: boolean) =>
    attachments.reconcile([{ point: bed.cgroup, pod: 'shop/web', wanted }]);
  const start = async () => {
    const args = ['--input-type=module', '-e', server(bed)];
    return Number((await bed.startAndWait(process.execPath, args)).said);
  };
  const first = await start();
  look(false);
  const told = { pod: 'shop/web', library: 'OpenSSL', file: process.execPath };
  t.like(attachments.seen(), [{ ...told, processes: 1, read: false }]);
  await ask(bed, first);
  look(true);
  const second = await start();
  look(true);
  t.like(attachments.seen(), [{ ...told, processes: 2, read: true }]);
  await ask(bed, first);
  await ask(bed, second);
  await bed.settled(2);
  look(false);
  await ask(bed, first);
  const spans = await bed.settled(2);
  const paths = spans.map(({ attributes }) => attributes['url.path']);
  t.deepEqual(paths, [`/${first}`, `/${second}`]);
  attachments.detachAll();
});
