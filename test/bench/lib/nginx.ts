import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { end, start } from './command.ts';
import type { Host } from './network.ts';

/** A running nginx with one worker. */
export interface Nginx {
  /** Of HTTP/1, and of HTTP/2 in plain text. */
  readonly port: number;
  readonly http2Port: number;
  /** Requests that came in on both so far, by nginx's own count. */
  requests(): Promise<number>;
  stop(): Promise<void>;
}

const port = 8_080;
const http2Port = 8_081;
const bodyBytes = 1_024;

/** Starts nginx inside `host`, with everything that it writes in `dir`. Of several workers each takes a share of the connections. */
export async function startNginx(host: Host, dir: string, workers = 1): Promise<Nginx> {
  const config = join(dir, 'nginx.conf');
  // A unix socket is reachable from every network namespace, and invisible to the capture.
  const status = join(dir, 'status.sock');
  await writeFile(join(dir, 'index.html'), 'x'.repeat(bodyBytes));
  await writeFile(config, configText(dir, status, workers));
  const nginx = start(...host.inside(['nginx', '-p', dir, '-c', config]));
  let ownRequests = 0;
  const requests = async (): Promise<number> => {
    const page = await readStatus(status);
    ownRequests += 1;
    // "server accepts handled requests\n 1 1 3 \n"
    const count = /\n\s*\d+\s+\d+\s+(\d+)/.exec(page)?.[1];
    if (count === undefined) throw new Error(`not a stub_status page: ${page}`);
    return Number(count) - ownRequests;
  };
  const deadline = Date.now() + 5_000;
  for (;;) {
    try {
      await requests();
      return { port, http2Port, requests, stop: () => end(nginx) };
    } catch (cause) {
      if (nginx.exitCode !== null || Date.now() > deadline) {
        await end(nginx);
        throw new Error('nginx does not start', { cause });
      }
      await sleep(50);
    }
  }
}

function readStatus(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path: '/', agent: false })
      .on('error', reject)
      .on('response', (incoming) => {
        text(incoming).then(resolve, reject);
      })
      .end();
  });
}

function configText(dir: string, status: string, workers: number): string {
  const connections = workers === 1 ? 1_024 : 16_000;
  const reuse = workers === 1 ? '' : ' reuseport';
  return `
user root;
worker_processes ${workers};
daemon off;
pid ${dir}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile ${connections + 64};
events { worker_connections ${connections}; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=10;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  client_body_temp_path ${dir}/client;
  proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  http2_max_concurrent_streams 1000;
  server { listen ${port}${reuse}; root ${dir}; }
  # With sendfile each frame with a head alone waits until the other end confirms the one before.
  server { listen ${http2Port} http2; root ${dir}; sendfile off; }
  server { listen unix:${status}; location / { stub_status; } }
}
`;
}
