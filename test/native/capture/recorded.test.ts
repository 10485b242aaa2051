import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

import test from 'ava';

import { gapsOf, pod, startReplay } from './conversation.ts';
import { readPcap } from './pcap.ts';

const recorded = (name: string): Buffer =>
  readFileSync(new URL(`recorded/${name}`, import.meta.url));

/** Addresses of the recorded pod. */
const podV4 = Buffer.from([198, 18, 77, 2]);
const podV6 = Buffer.from('fd180077000000000000000000000002', 'hex');

const goesToPod = (frame: Buffer): boolean =>
  frame.readUInt16BE(12) === 0x86dd
    ? frame.subarray(38, 54).equals(podV6)
    : frame.subarray(30, 34).equals(podV4);

/** A logged request target as a span has it: without scheme and host, and without values. */
const asSpan = (line: string): string =>
  line.replace(/ https?:\/\/[^/]*/, ' ').replaceAll(/=[^& ]*/g, '=REDACTED');

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/*
 * tcpdump on the host side of a veth; behind it nginx 1.22 (8080) and node:http (8081), both with
 * an access log. The client sent HTTP/1.0, pipelines, chunks with trailers, 100-continue, early
 * hints, HEAD, 204, 304, an upgrade, CONNECT, one byte per segment, an MSS of 88, bare line feeds,
 * every oddity of heads that nginx takes or answers with 400, IPv6, halves of connections, resets,
 * one port again and again, an answer before the body was sent, TLS and HTTP/2.
 */
test('a recording of real servers gives the requests of their access logs', async (t) => {
  const { replay, spans } = startReplay();
  replay.setPorts([8080, 8081]);
  const logged = recorded('servers.log').toString('utf8').trim().split('\n').map(asSpan);
  // What has no name is a value, and would not be told.
  const bare = logged.flatMap((line) => [...line.matchAll(/[?&]([^=& ]+)(?=[& ])/g)]);
  replay.attach(7, pod, { queryValues: bare.map(([, value = '']) => value) });
  const frames = readPcap(gunzipSync(recorded('servers.pcap.gz')));
  for (const { timeNs, frame } of frames) replay.frame(7, goesToPod(frame), timeNs, frame);
  await replay.flush();
  const told = spans.map(({ attributes: a }) => {
    const query = a['url.query'] === undefined ? '' : `?${a['url.query']}`;
    const target = a['url.path'] ?? `${a['server.address']}:${a['server.port']}`;
    return `${a['http.request.method']} ${target}${query} ${a['http.response.status_code']}`;
  });
  t.deepEqual(told.toSorted(byText), logged.toSorted(byText));
  const ledger = replay.ledger();
  // The client of the upgrade to WebSocket masks no frame, which RFC 6455 §5.1 forbids: that is no session.
  t.deepEqual(ledger.requests.lost, {});
  t.deepEqual(ledger.sessions.lost, { malformed: 1 });
  t.deepEqual(ledger.bytes.lost, {});
  for (const reason of ['tls', 'unrecognised'])
    t.true((ledger.bytes.skipped[reason] ?? 0) > 0, 'TLS and HTTP/2');
  t.deepEqual(gapsOf(ledger), []);
  await replay.close();
});
