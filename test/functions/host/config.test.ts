import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { parseHostConfig } from '../../../functions/host/config.ts';
import { clickHouseSettings } from '../../../functions/host/function-settings.ts';
import { parseNotifications } from '../../../functions/host/notifications-config.ts';
import { CloverError } from '../../../functions/lib/errors.ts';

const minimal = {
  dataDir: '/data',
  token: 'sixteen-characters',
  clickhouse: { url: 'http://127.0.0.1:8123', username: 'u', password: 'p', database: 'clover' },
};

const refused = (value: unknown): CloverError => {
  try {
    parseHostConfig(JSON.stringify(value));
  } catch (error) {
    if (error instanceof CloverError) return error;
  }
  throw new Error('was accepted');
};

test('a minimal configuration gets its defaults', (t) => {
  t.deepEqual(parseHostConfig(JSON.stringify(minimal)), {
    ...minimal,
    listen: { host: '127.0.0.1', port: 0 },
    logLevel: 'info',
    notifications: [],
    telemetry: {
      headers: {},
      metrics: true,
      protocol: 'http/protobuf',
      sampleRatio: 1,
      serviceName: 'clover',
    },
    cors: { origins: [] },
  });
});

test('an unknown or bad key is named, and no secret is shown', (t) => {
  const error = refused({ ...minimal, token: 'short', listen: { port: -1 }, extra: 1 });
  t.is(error.code, 'CLV_CONFIG_INVALID');
  t.deepEqual(error.details.map(({ field }) => field).sort(), ['extra', 'listen.port', 'token']);
  t.notRegex(error.message, /short/);
  t.is(refused('text').code, 'CLV_CONFIG_INVALID');
  t.throws(() => parseHostConfig('{'), { message: /not JSON/ });
});

test('a URL of ClickHouse says where it is, and nothing that goes before other settings; it is not shown', (t) => {
  for (const rest of ['u:hunter2@c:8123', 'c:8123/foo', 'c:8123/?password=hunter2', 'c:8123#x']) {
    const url = `http://${rest}`;
    const error = refused({ ...minimal, clickhouse: { ...minimal.clickhouse, url } });
    t.deepEqual(error.details, [
      {
        field: 'clickhouse.url',
        message:
          'must be scheme, host and port alone, such as "http://clickhouse:8123": say user, password and database with username, password and database',
      },
    ]);
    t.false(error.message.includes('hunter2'));
    t.throws(() => clickHouseSettings({ CLICKHOUSE_URL: url }), {
      message: /^CLICKHOUSE_URL: must be scheme, .* with CLICKHOUSE_USER, CLICKHOUSE_PASSWORD and/,
    });
  }
  const url = 'https://clickhouse.example:8443/';
  t.like(
    parseHostConfig(JSON.stringify({ ...minimal, clickhouse: { ...minimal.clickhouse, url } })),
    {
      clickhouse: { url },
    },
  );
  t.is(clickHouseSettings({ CLICKHOUSE_URL: url }).url, url);
});

test('notifications name their webhooks; a bad one is named and its secret is not shown', (t) => {
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  const url = 'https://example.com/hook';
  const good = [{ url, secret, types: ['VerdictFail'] }, { url: 'http://127.0.0.1:8080/' }];
  t.deepEqual(parseNotifications(JSON.stringify(good)), good);
  const error = refused({
    ...minimal,
    notifications: [
      { url: 'ftp://example.com/', secret: 'whsec_hidden', types: ['VerdictBad'], extra: 1 },
    ],
  });
  t.deepEqual(error.details.map(({ field }) => field).sort(), [
    'notifications[0].extra',
    'notifications[0].secret',
    'notifications[0].types[0]',
    'notifications[0].url',
  ]);
  t.notRegex(error.message, /hidden/);
  t.regex(refused({ ...minimal, notifications: [{ url }, { url }] }).message, /a URL stands twice/);
  const withPassword = [{ url: 'https://u:hunter2@example.com/hook' }];
  const refusal = refused({ ...minimal, notifications: withPassword }).message;
  t.regex(refusal, /without a user and a password/);
  t.notRegex(refusal, /hunter2/);
  t.throws(() => parseNotifications('x'), { code: 'CLV_CONFIG_INVALID' });
});

test('the secret of a webhook may stand in a file of its own', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'clover-config-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'secret');
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  await writeFile(file, `${secret}\n`);
  const url = 'https://example.com/hook';
  const named = JSON.stringify([{ url, secret: { file } }]);
  t.deepEqual(parseNotifications(named), [{ url, secret }]);
  await writeFile(file, 'hidden');
  const error = t.throws(() => parseNotifications(named), { code: 'CLV_CONFIG_INVALID' });
  t.regex(error.message, /^notifications: \[0\]\.secret: must be "whsec_"/);
});

test('secrets may stand in files of their own, as a cluster mounts them', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'clover-config-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const [token, password] = [join(folder, 'token'), join(folder, 'password')];
  await writeFile(token, 'sixteen-characters\n');
  await writeFile(password, ' a b ');
  const { clickhouse } = minimal;
  const config = {
    ...minimal,
    token: { file: token },
    clickhouse: { ...clickhouse, password: { file: password } },
  };
  t.like(parseHostConfig(JSON.stringify(config)), {
    token: 'sixteen-characters',
    clickhouse: { password: ' a b' },
  });
  await writeFile(token, 'short');
  t.deepEqual(
    refused(config).details.map(({ field }) => field),
    ['token'],
  );
  const missing = refused({ ...config, token: { file: join(folder, 'none') } });
  t.regex(missing.message, /^host configuration: token: the file cannot be read: ENOENT/);
  t.is(refused({ ...minimal, token: { path: token } }).details[0]?.field, 'token');
});

test('agents may have a token of their own, which is not that of every caller', (t) => {
  const agentToken = 'sixteen-characters-of-agents';
  t.like(parseHostConfig(JSON.stringify({ ...minimal, agentToken })), { agentToken });
  for (const bad of ['short', minimal.token]) {
    const [detail] = refused({ ...minimal, agentToken: bad }).details;
    t.is(detail?.field, 'agentToken', bad);
  }
});

test('who scrapes may have a token of their own, which is nobody else’s', (t) => {
  const metricsToken = 'sixteen-characters-of-prometheus';
  t.like(parseHostConfig(JSON.stringify({ ...minimal, metricsToken })), { metricsToken });
  const agentToken = 'sixteen-characters-of-agents';
  for (const bad of ['short', minimal.token, agentToken]) {
    const [detail] = refused({ ...minimal, agentToken, metricsToken: bad }).details;
    t.is(detail?.field, 'metricsToken', bad);
  }
});

test('objects may be kept by a cluster', (t) => {
  const kubernetes = { kubeconfig: '/admin.conf' };
  t.like(parseHostConfig(JSON.stringify({ ...minimal, resources: { kubernetes } })), {
    resources: { kubernetes },
  });
  t.regex(refused({ ...minimal, resources: {} }).message, /resources\.kubernetes: /);
});
