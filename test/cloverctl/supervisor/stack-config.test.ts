import test from 'ava';
import { controlPlaneFile } from '../../../cloverctl/supervisor/stack-config.ts';
import { parseHostConfig } from '../../../functions/host/config.ts';

test("the control plane's file is what the host takes, with the origins of browsers", (t) => {
  const corsOrigins = ['https://ui.example', 'http://localhost:5173'];
  const file = controlPlaneFile({
    port: 7700,
    token: 'a-token-of-some-length',
    dataDir: '/data',
    clickhouse: { url: 'http://127.0.0.1:8123', username: 'clover', password: 'x' },
    gateway: { xdsDir: '/xds', adminSocket: '/envoy.sock' },
    notifications: [],
    corsOrigins,
  });
  const config = parseHostConfig(JSON.stringify(file));
  t.deepEqual(config.cors.origins, corsOrigins);
  t.deepEqual(config.listen, { host: '127.0.0.1', port: 7700 });
});
