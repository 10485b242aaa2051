import https from 'node:https';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';

import { detachLink, noSockets, socketsOf } from './closed-sockets.ts';
import { makeTlsBed, type TlsBed } from './tls-bed.ts';
import { bpfIdsOf, isGone } from './testbed.ts';

/** Answers with the path, over TLS that the library writes to the socket by itself. */
const pythonServer = ({ keyFile, certFile }: TlsBed): string => `
import http.server, ssl
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        body = self.path.encode()
        self.send_response(200)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('${certFile}', '${keyFile}')
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
`;

/** Asks at each line of its input; \`ssl\` encrypts into memory, which asyncio sends. */
const pythonClient = ({ certFile }: TlsBed, port: number): string => `
import asyncio, ssl, time
async def main():
    context = ssl.create_default_context(cafile='${certFile}')
    print('up', flush=True)
    await asyncio.sleep(1)
    reader, writer = await asyncio.open_connection('127.0.0.1', ${port}, ssl=context, server_hostname='localhost')
    for at in range(3):
        writer.write(b'GET /%d HTTP/1.1\\r\\nhost: shop.example\\r\\n\\r\\n' % at)
        await writer.drain()
        head = await reader.readuntil(b'\\r\\n\\r\\n')
        await reader.readexactly(2)
    writer.close()
asyncio.run(main())
`;

const get = (bed: TlsBed, port: number, path: string, agent?: https.Agent): Promise<string> =>
  new Promise((resolve, reject) => {
    const ca = readFileSync(bed.certFile);
    const options = { host: '127.0.0.1', servername: 'localhost', port, path, ca, agent };
    const asked = https.get({ ...options, headers: { host: 'shop.example' } }, (response) => {
      let text = '';
      response
        .on('data', (part: Buffer) => (text += part.toString()))
        .on('end', () => resolve(text));
    });
    asked.on('error', reject);
  });

async function startPython(bed: TlsBed): Promise<{ port: number; pid: number; end: () => void }> {
  const { child, said } = await bed.startAndWait('python3', ['-c', pythonServer(bed)]);
  bed.read(child.pid);
  return { port: Number(said), pid: child.pid ?? 0, end: () => void child.kill('SIGKILL') };
}

test.serial('a dynamic OpenSSL that writes to its socket knows both ends', async (t) => {
  const bed = makeTlsBed(t);
  const { port } = await startPython(bed);
  t.is(await get(bed, port, '/a'), '/a');
  t.is(await get(bed, port, '/b'), '/b');
  const spans = await bed.settled(2);
  t.deepEqual(
    spans.map(({ name, kind, attributes }) => [
      name,
      kind,
      attributes['url.path'],
      attributes['server.port'],
      attributes['network.peer.address'],
      attributes['http.response.status_code'],
    ]),
    ['/a', '/b'].map((path) => ['GET', 2, path, port, '127.0.0.1', 200]),
  );
  const [first] = spans;
  const phases = first?.events.toSorted((a, b) => Number(a.timeNs - b.timeNs));
  const names = ['connect.start', 'connect.end', 'tls.start', 'first_byte'];
  t.deepEqual(
    phases?.map(({ name }) => name),
    names,
  );
});

test.serial('a client that encrypts into memory is a CLIENT, and knows its server', async (t) => {
  const bed = makeTlsBed(t);
  const { port } = await startPython(bed);
  const { child } = await bed.startAndWait('python3', ['-c', pythonClient(bed, port)]);
  bed.read(child.pid);
  const spans = await bed.settled(6);
  const clients = spans.filter(({ kind }) => kind === 3);
  t.deepEqual(
    clients.map(({ attributes }) => [attributes['url.path'], attributes['network.peer.port']]),
    ['/0', '/1', '/2'].map((path) => [path, port]),
  );
  t.is(spans.length, 6);
});

test.serial('a socket is not compared with the plain text that crossed it', async (t) => {
  const bed = makeTlsBed(t);
  const { port } = await startPython(bed);
  t.is(await get(bed, port, '/a', new https.Agent()), '/a');
  t.deepEqual(await socketsOf(bed.capture, 1), { ...noSockets, uncompared: { unread: 1 } });
  t.is((await bed.settled(1)).length, 1);
});

test.serial('plain text hides no bypass, nor does it when it is forgotten', async (t) => {
  const bed = makeTlsBed(t);
  for (const direction of ['egress', 'ingress'] as const) detachLink(direction);
  const { port } = await startPython(bed);
  // Soon after it was attached a socket might have been opened in part before.
  await delay(1_100);
  const agent = new https.Agent({ keepAlive: true });
  t.is(await get(bed, port, '/a', agent), '/a');
  t.is(await get(bed, port, '/b', new https.Agent()), '/b');
  t.is((await bed.settled(2)).length, 2);
  const one = { ...noSockets, compared: 1, differ: { bypass: 1 } };
  t.deepEqual(await socketsOf(bed.capture, 1), one);
  // What is over is known for two seconds.
  await delay(2_500);
  agent.destroy();
  const both = { ...noSockets, compared: 2, differ: { bypass: 2 } };
  t.deepEqual(await socketsOf(bed.capture, 2), both);
});

test.serial('a connection that was there before is joined at its next request', async (t) => {
  const bed = makeTlsBed(t);
  const { child, said } = await bed.startAndWait('python3', ['-c', pythonServer(bed)]);
  const port = Number(said);
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  t.is(await get(bed, port, '/before', agent), '/before');
  bed.read(child.pid);
  for (const path of ['/1', '/2', '/3', '/4']) t.is(await get(bed, port, path, agent), path);
  agent.destroy();
  const spans = await bed.settled(3);
  const paths = spans.map(({ attributes }) => attributes['url.path']);
  t.deepEqual(paths, ['/2', '/3', '/4'], 'a thread waited for /1 already');
  t.is(spans.at(-1)?.attributes['server.port'], port, 'a record has told the socket');
  t.is(bed.capture.ledger().requests.open, 0);
});

test.serial('what is open when a process is killed has failed', async (t) => {
  const bed = makeTlsBed(t);
  const hanging = pythonServer(bed).replace(
    'body = self.path',
    'import time; time.sleep(60); body = self.path',
  );
  const { child, said } = await bed.startAndWait('python3', ['-c', hanging]);
  bed.read(child.pid);
  const asked = get(bed, Number(said), '/hangs');
  for (let at = 0; at < 200 && bed.capture.ledger().requests.open === 0; at += 1) await delay(25);
  child.kill('SIGKILL');
  await t.throwsAsync(asked);
  bed.capture.detachProcess(child.pid ?? 0);
  const [span] = await bed.settled(1);
  t.like(span?.attributes, { 'url.path': '/hangs', 'error.type': 'connection_closed' });
});

test.serial('a Tap with ports has no connection of others', async (t) => {
  const bed = makeTlsBed(t);
  const [one, other] = [await startPython(bed), await startPython(bed)];
  bed.capture.setPorts([one.port]);
  await get(bed, other.port, '/other');
  await get(bed, one.port, '/one');
  const spans = await bed.settled(1);
  t.deepEqual(
    spans.map(({ attributes }) => attributes['url.path']),
    ['/one'],
  );
});

test.serial('nothing stays in a process that is not read any more', async (t) => {
  const bed = makeTlsBed(t);
  const { port, pid } = await startPython(bed);
  await get(bed, port, '/a');
  await bed.settled(1);
  bed.capture.detachProcess(pid);
  await get(bed, port, '/b');
  const { programs } = bpfIdsOf('self');
  t.true(programs.length > 0);
  await bed.capture.close();
  t.is(bed.spans.length, 1);
  for (const program of programs) t.true(await isGone(program), `program ${program}`);
  t.is(await get(bed, port, '/c'), '/c');
});

test.serial('nginx with its workers is read at each of them', async (t) => {
  const bed = makeTlsBed(t);
  const file = join(bed.folder, 'nginx.conf');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  writeFileSync(
    file,
    `daemon off; worker_processes 2; user root; pid ${bed.folder}/pid; error_log ${bed.folder}/error.log;
events {}
http { access_log off; ${temporary.map((name) => `${name}_temp_path ${bed.folder}/${name};`).join(' ')}
server { listen 127.0.0.1:18443 ssl http2; ssl_certificate ${bed.certFile}; ssl_certificate_key ${bed.keyFile};
location / { return 200 "$request_uri"; } } }`,
  );
  const master = bed.start('nginx', [
    '-p',
    bed.folder,
    '-c',
    file,
    '-e',
    join(bed.folder, 'error.log'),
  ]);
  await listens(18_443);
  const workers = readFileSync(join(bed.cgroup, 'cgroup.procs'), 'utf8')
    .trim()
    .split('\n')
    .map(Number);
  for (const pid of workers) if (pid !== master.pid) bed.read(pid);
  for (let at = 0; at < 8; at += 1) t.is(await get(bed, 18_443, `/${at}`), `/${at}`);
  const spans = await bed.settled(8);
  t.deepEqual(
    spans.map(({ attributes: one }) => `${one['url.path']} ${one['server.port']}`).toSorted(),
    Array.from({ length: 8 }, (_, at) => `/${at} 18443`),
  );
});

async function listens(port: number): Promise<void> {
  for (let at = 0; at < 200; at += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port }, () => resolve(true));
      socket.on('error', () => resolve(false)).on('connect', () => socket.destroy());
    });
    if (open) return;
    await delay(25);
  }
  throw new Error('nobody listens');
}
