import { readdirSync, readFileSync } from 'node:fs';
import https from 'node:https';
import { connect } from 'node:tls';
import { once } from 'node:events';
import test from 'ava';

import { makeTlsBed, type TlsBed } from './tls-bed.ts';

/** Answers each connection's only request by a thread of its own; that of the first one ends while it waits for it. */
const server = ({ keyFile, certFile }: TlsBed): string => `
import ctypes, socket, ssl, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('${certFile}', '${keyFile}')
listener = socket.create_server(('127.0.0.1', 0))
print(listener.getsockname()[1], flush=True)
waits = threading.Event()
def serve(raw):
    conn = context.wrap_socket(raw, server_side=True)
    waits.set()
    conn.recv(4096)
    conn.sendall(b'HTTP/1.1 200 OK\\r\\nconnection: close\\r\\ncontent-length: 2\\r\\n\\r\\nhi')
    conn.close()
kept, _ = listener.accept()
first = threading.Thread(target=serve, args=(kept,), daemon=True)
first.start()
waits.wait()
def state():
    return open(f'/proc/self/task/{first.native_id}/stat').read().split()[2]
while state() != 'S': pass
ctypes.CDLL(None).pthread_cancel(ctypes.c_ulong(first.ident))
while True:
    raw, _ = listener.accept()
    thread = threading.Thread(target=serve, args=(raw,), daemon=True)
    thread.start()
    thread.join()
`;

const sleeper = `
import ssl, time
print('up', flush=True)
time.sleep(600)
`;

const threads = (): number => readdirSync('/proc/self/task').length;

const get = (port: number, path: string, ca: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', servername: 'localhost', port, path, ca, agent: false };
    const asked = https.get(options, (response) => response.resume().on('end', resolve));
    asked.on('error', reject);
  });

test.serial('a thread that ends within a call leaves nothing for the next one', async (t) => {
  const bed = makeTlsBed(t);
  const { child, said } = await bed.startAndWait('python3', ['-c', server(bed)]);
  bed.read(child.pid);
  const ca = readFileSync(bed.certFile);
  const silent = connect({ host: '127.0.0.1', port: Number(said), servername: 'localhost', ca });
  await once(silent, 'secureConnect');
  const paths = Array.from({ length: 100 }, (_, at) => `/${at}`);
  for (const path of paths) await get(Number(said), path, ca);
  silent.destroy();
  const spans = await bed.settled(100);
  t.deepEqual(
    spans.map(({ attributes }) => attributes['url.path']),
    paths,
  );
});

test.serial('however many processes end, a few threads let them go', async (t) => {
  const bed = makeTlsBed(t);
  const pids: number[] = [];
  for (let at = 0; at < 8; at += 1) {
    const { child } = await bed.startAndWait('python3', ['-c', sleeper]);
    bed.read(child.pid);
    pids.push(child.pid ?? 0);
  }
  const before = threads();
  for (const pid of pids) bed.capture.detachProcess(pid);
  t.true(threads() <= before + 6);
  t.true(threads() > before, 'they are being let go');
});
