import test from 'ava';
import { parseHostConfig, parseNotifications } from '../../../functions/host/config.ts';
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
  t.throws(() => parseNotifications('x'), { code: 'CLV_CONFIG_INVALID' });
});
