import { execFile } from 'node:child_process';
import http2 from 'node:http2';
import https from 'node:https';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import test from 'ava';

import { tlsLibraryOf } from '../../../native/capture/tls-library.ts';
import { findGo } from '../../cluster/go.ts';
import { makeTlsBed } from './tls-bed.ts';

const run = promisify(execFile);

/**
 * Serves with a key and a certificate. A third argument is what it asks for first, or `stacks`: then each call of crypto/tls is made by
 * a goroutine of its own, with less and less left of its stack.
 */
const program = `
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

func ask(url string) {
	time.Sleep(time.Second)
	plain := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	for i := 0; i < 3; i++ {
		request, _ := http.NewRequest("GET", url+"/"+strconv.Itoa(i*50000), nil)
		request.Host = "shop.example"
		response, err := plain.RoundTrip(request)
		if err != nil {
			panic(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
}

//go:noinline
func below(depth int, call func()) {
	if depth == 0 {
		call()
	} else {
		below(depth-1, call)
	}
}

func onItsOwnStack(depth int, call func()) {
	done := make(chan bool)
	go func() {
		below(depth, call)
		close(done)
	}()
	<-done
}

func serveOnStacks(listener net.Listener) {
	pair, err := tls.LoadX509KeyPair(os.Args[2], os.Args[1])
	if err != nil {
		panic(err)
	}
	raw, _ := listener.Accept()
	conn := tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{pair}})
	if err := conn.Handshake(); err != nil {
		panic(err)
	}
	head := make([]byte, 4096)
	for depth := 0; err == nil; depth++ {
		onItsOwnStack(depth, func() { _, err = conn.Read(head) })
		onItsOwnStack(depth, func() { conn.Write([]byte("HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nhi")) })
	}
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	if len(os.Args) > 3 && os.Args[3] == "stacks" {
		serveOnStacks(listener)
	} else if len(os.Args) > 3 {
		ask(os.Args[3])
	}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		size, _ := strconv.Atoi(strings.Split(r.URL.Path, "/")[1])
		w.Write([]byte(strings.Repeat("y", size)))
	})
	panic(http.ServeTLS(listener, handler, os.Args[2], os.Args[1]))
}
`;

const folder = mkdtempSync(join(tmpdir(), 'clover-go-'));
const [whole, stripped] = [join(folder, 'whole'), join(folder, 'stripped')];

test.before(async (t) => {
  t.timeout(300_000);
  const goMod = join(folder, 'go.mod');
  writeFileSync(goMod, 'module tls\n\ngo 1.21\n');
  writeFileSync(join(folder, 'main.go'), program);
  const go = await findGo(goMod, '.cache/cluster', (line) => t.log(line));
  const env = { ...process.env, GOTOOLCHAIN: 'local', CGO_ENABLED: '0', GOFLAGS: '-mod=mod' };
  const options = { cwd: folder, env };
  await run(go.path, ['build', '-o', whole, '.'], options);
  await run(go.path, ['build', '-ldflags=-s -w', '-o', stripped, '.'], options);
});
test.after.always(() => rmSync(folder, { recursive: true }));

/** With so long a body, to a host that says no port. */
const post = (port: number, agent: https.Agent, size: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', servername: 'localhost', port, agent };
    const headers = { host: 'shop.example', 'content-length': size };
    const asked = https.request(
      { ...options, path: `/${size}`, method: 'POST', headers },
      (response) => response.resume().on('end', resolve),
    );
    asked.on('error', reject).end('x'.repeat(size));
  });

test.serial('a Go program is told, stripped or not', (t) => {
  for (const file of [whole, stripped])
    t.deepEqual(tlsLibraryOf(file), { name: 'Go crypto/tls', version: '', readable: true });
});

for (const [name, file] of [
  ['a Go server', whole],
  ['a stripped Go server', stripped],
] as const) {
  test.serial(`${name} is read: HTTP/1.1, and streams of HTTP/2`, async (t) => {
    const bed = makeTlsBed(t);
    const { child, said } = await bed.startAndWait(file, [bed.keyFile, bed.certFile]);
    bed.read(child.pid);
    const port = Number(said);
    const ca = readFileSync(bed.certFile);
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca });
    for (const size of [0, 1, 70_000, 3]) await post(port, agent, size);
    agent.destroy();
    const session = http2.connect(`https://127.0.0.1:${port}`, { ca, servername: 'localhost' });
    const streams = Array.from({ length: 10 }, (_, at) =>
      session.request({ ':path': `/${at * 3_000}/s`, ':authority': 'shop.example' }),
    );
    await Promise.all(streams.map((stream) => buffer(stream)));
    session.close();
    const spans = await bed.settled(14);
    const told = spans.map(({ attributes: one }) => [
      one['url.path'],
      one['network.protocol.version'],
      one['http.response.body.size'],
      one['server.port'],
      one['network.peer.address'],
      one['clover.incomplete'],
    ]);
    // They are known before the first request, though no request says them.
    const peer = '127.0.0.1';
    const expected = [
      ...[0, 1, 70_000, 3].map((size) => [`/${size}`, '1.1', size, port, peer, undefined]),
      ...streams.map((_, at) => [`/${at * 3_000}/s`, '2', at * 3_000, port, peer, undefined]),
    ];
    const inOrder = (rows: typeof told) => rows.map((row) => row.join()).toSorted();
    t.deepEqual(inOrder(told), inOrder(expected));
    t.is(bed.capture.ledger().requests.seen, 14);
  });
}

test.serial('a Go client and its server see each request once', async (t) => {
  const bed = makeTlsBed(t);
  const server = await bed.startAndWait(whole, [bed.keyFile, bed.certFile]);
  bed.read(server.child.pid);
  const url = `https://127.0.0.1:${server.said}`;
  const { child } = await bed.startAndWait(whole, [bed.keyFile, bed.certFile, url]);
  bed.read(child.pid);
  const spans = await bed.settled(6);
  for (const kind of [2, 3]) {
    const paths = spans.filter((span) => span.kind === kind).map((span) => span.attributes);
    t.deepEqual(
      paths.map((one) => [one['url.path'], one['server.port'], one['network.peer.address']]),
      ['/0', '/50000', '/100000'].map((path) => [path, Number(server.said), '127.0.0.1']),
    );
  }
});

test.serial('a call is seen once, also where a stack has to grow for it', async (t) => {
  const bed = makeTlsBed(t);
  const { child, said } = await bed.startAndWait(whole, [bed.keyFile, bed.certFile, 'stacks']);
  bed.read(child.pid);
  const ca = readFileSync(bed.certFile);
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca });
  for (let depth = 0; depth < 200; depth += 1) await post(Number(said), agent, depth);
  agent.destroy();
  const spans = await bed.settled(200);
  t.deepEqual(
    spans.map(({ attributes: one }) => [one['url.path'], one['http.response.body.size']]),
    Array.from({ length: 200 }, (_, depth) => [`/${depth}`, 2]),
  );
  const { requests, bytes } = bed.capture.ledger();
  t.deepEqual([requests.seen, requests.lost, bytes.lost], [200, {}, {}]);
});
