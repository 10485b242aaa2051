import { sdcPods, sdcPort, type SdcPod } from './topology.ts';

/** Files that one nginx works with, all in one folder of its own. */
export interface NginxFiles {
  readonly dir: string;
  /** Unix socket, reachable from every network namespace, that serves stub_status. */
  readonly status: string;
}

/** A page of about 1 KiB, the same on each web server. */
export const webPage = `<!doctype html>\n<title>Service Delivery Controller</title>\n${'<p>A clover has three leaves, and the rare one has four.</p>\n'.repeat(
  16,
)}`;

/** nginx.conf of a pod: one worker, no access log, every header of the request passed on. */
export function nginxConfig(pod: SdcPod, files: NginxFiles): string {
  return `user www-data;
worker_processes 1;
daemon off;
pid ${files.dir}/nginx.pid;
error_log ${files.dir}/error.log warn;
events { worker_connections 1024; }
http {
  access_log off;
  server_tokens off;
  tcp_nodelay on;
  # Long-lived connections: what is measured is requests, not handshakes.
  keepalive_timeout 1h;
  keepalive_requests 1000000;
  client_body_temp_path ${files.dir}/body;
  proxy_temp_path ${files.dir}/proxy;
  fastcgi_temp_path ${files.dir}/fastcgi;
  uwsgi_temp_path ${files.dir}/uwsgi;
  scgi_temp_path ${files.dir}/scgi;
  server {
    listen unix:${files.status};
    location / { stub_status; }
  }
${serving(pod, files)}}
`;
}

function serving(pod: SdcPod, files: NginxFiles): string {
  switch (pod.role) {
    case 'proxy':
      return (
        upstream([sdcPods.lb]) +
        forward(
          `add_header x-proxy-version ${pod.version ?? 'none'} always; proxy_next_upstream off;`,
        )
      );
    case 'lb':
      return upstream([sdcPods['web-1'], sdcPods['web-2'], sdcPods['web-3']]) + forward('');
    default:
      return `  server {
    listen ${sdcPort};
    root ${files.dir}/html;
    default_type text/html;
  }
`;
  }
}

function upstream(pods: readonly SdcPod[]): string {
  const servers = pods.map(({ address }) => `server ${address}:${sdcPort};`).join(' ');
  return `  upstream next { ${servers} keepalive 128; keepalive_requests 1000000; }\n`;
}

function forward(extra: string): string {
  return `  server {
    listen ${sdcPort};
    ${extra}
    location / {
      proxy_pass http://next;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
    }
  }
`;
}
