import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import test from 'ava';

import { goldenOf, makeTlsBed, type TlsBed } from './tls-bed.ts';

/** The same handlers with and without TLS. */
const script = ({ keyFile, certFile }: TlsBed): string => `
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
const options = { key: readFileSync('${keyFile}'), cert: readFileSync('${certFile}') };
const answer = (request, response) => {
  request.resume().on('end', () => response.end('y'.repeat(Number(request.url.split('/')[1]))));
};
const servers = [http.createServer(answer), https.createServer(options, answer),
  http2.createServer(answer), http2.createSecureServer(options, answer)];
for (const server of servers) await new Promise((done) => server.listen(0, '127.0.0.1', done));
console.log(servers.map((server) => server.address().port).join(' '));
`;

interface Ports {
  readonly plain: number;
  readonly tls: number;
  readonly plain2: number;
  readonly tls2: number;
}

async function startNode(bed: TlsBed): Promise<{ ports: Ports; pid: number }> {
  const args = ['--input-type=module', '-e', script(bed)];
  const { child, said } = await bed.startAndWait(process.execPath, args);
  bed.read(child.pid);
  const [plain = 0, tls = 0, plain2 = 0, tls2 = 0] = said.split(' ').map(Number);
  return { ports: { plain, tls, plain2, tls2 }, pid: child.pid ?? 0 };
}

const sizes = [0, 1, 1_000, 20_000, 300_000, 3];

/** Requests of HTTP/1.1 over one connection, bodies from none to many records. */
async function playHttp1(bed: TlsBed, port: number, secure: boolean): Promise<number> {
  const { Agent, request } = secure ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ca = secure ? { ca: readFileSync(bed.certFile) } : {};
  for (const [at, size] of sizes.entries()) {
    const headers = { host: 'shop.example', 'content-length': at * 40_000 };
    const options = { host: '127.0.0.1', servername: 'localhost', port, agent, headers, ...ca };
    await new Promise<void>((resolve, reject) => {
      const asked = request({ ...options, path: `/${size}?secret=1`, method: 'POST' }, (response) =>
        response.resume().on('end', resolve),
      );
      asked.on('error', reject).end('x'.repeat(at * 40_000));
    });
  }
  agent.destroy();
  return sizes.length;
}

/** Streams of one connection, all at one time. */
async function playHttp2(bed: TlsBed, port: number, secure: boolean): Promise<number> {
  const session = http2.connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, {
    ca: readFileSync(bed.certFile),
    servername: 'localhost',
  });
  const streams = Array.from({ length: 20 }, (_, at) =>
    session.request({ ':path': `/${at * 3_000}/s`, ':authority': 'shop.example' }),
  );
  await Promise.all(streams.map((stream) => buffer(stream)));
  session.close();
  return streams.length;
}

test.serial('HTTP/1.1 in TLS of a static OpenSSL gives the spans of plain text', async (t) => {
  const bed = makeTlsBed(t);
  const { ports } = await startNode(bed);
  const played =
    (await playHttp1(bed, ports.plain, false)) + (await playHttp1(bed, ports.tls, true));
  const spans = await bed.settled(played);
  const secure = goldenOf(spans, [ports.tls]);
  t.is(secure.length, sizes.length);
  t.deepEqual(secure, goldenOf(spans, [ports.plain]));
  for (const { attributes } of spans) {
    const isSecure = attributes['server.port'] === ports.tls;
    t.is(attributes['url.scheme'], isSecure ? 'https' : 'http');
    t.is(attributes['tls.established'], isSecure ? 1 : undefined);
    t.is(attributes['network.peer.address'], '127.0.0.1');
    t.is(attributes['clover.incomplete'], undefined);
  }
  const { requests, wire, bytes } = bed.capture.ledger();
  t.is(requests.seen, played);
  t.true(wire.tlsBytes > 300_000);
  t.true((bytes.skipped['tls'] ?? 0) > 300_000, 'the packets are skipped as before');
});

test.serial('streams of HTTP/2 in TLS give the spans of plain text', async (t) => {
  const bed = makeTlsBed(t);
  const { ports } = await startNode(bed);
  const played =
    (await playHttp2(bed, ports.plain2, false)) + (await playHttp2(bed, ports.tls2, true));
  const spans = await bed.settled(played);
  const secure = goldenOf(spans, [ports.tls2]);
  t.is(secure.length, 20);
  t.deepEqual(secure, goldenOf(spans, [ports.plain2]));
  t.is(bed.capture.ledger().headerFields.unknown, 0, 'both were there from their start on');
});
