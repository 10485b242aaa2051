import test from 'ava';
import { readInstallation } from '../../../knative/render/read-installation.ts';
import { leastInstallation } from './installations.ts';

const problemsOf = (text: string): readonly string[] => {
  const reading = readInstallation(text);
  return 'problems' in reading ? reading.problems : [];
};

const problemsWith = (changes: Readonly<Record<string, unknown>>): readonly string[] =>
  problemsOf(JSON.stringify({ ...leastInstallation, ...changes }));

test('an installation has defaults for all but its version, dead letters and store', (t) => {
  const reading = readInstallation(JSON.stringify(leastInstallation));
  if ('problems' in reading) {
    t.fail(reading.problems.join());
    return;
  }
  t.like(reading.installation, {
    namespace: 'clover-system',
    pullSecrets: [],
    functions: {},
    schedules: ['evaluate-resync', 'policy-resync'],
    resyncMinutes: 10,
    tolerations: [],
    logLevel: 'info',
    clickhouse: { username: 'default', database: 'clover' },
  });
});

const { images, clickhouse } = leastInstallation;

const bad: readonly [string, Readonly<Record<string, unknown>>, RegExp][] = [
  ['an unknown key', { image: 'x' }, /^image: unknown key; did you mean "images"\?$/],
  [
    'annotations of an account that it has not',
    { serviceAccountAnnotations: { 'control-plane': { a: 'b' } } },
    /^serviceAccountAnnotations\.control-plane: must be an account of this installation: api, /,
  ],
  [
    'annotations of no program',
    { serviceAccountAnnotations: { guard: { a: 'b' } } },
    /^serviceAccountAnnotations\.guard: |^serviceAccountAnnotations: /,
  ],
  [
    'an annotation without a name',
    { serviceAccountAnnotations: { api: { 'a b': 'c' } } },
    /^serviceAccountAnnotations\.api\.a b: /,
  ],
  ['an image of no function', { images: { ...images, guard: 'x' } }, /^images\.guard: /],
  ['no image', { images: { ...images, api: 'Not An Image' } }, /^images\.api: must be an image/],
  [
    'an image with a name of one character',
    { images: { ...images, api: 'registry.example/a:1' } },
    /^images\.api: must be an image/,
  ],
  ['a namespace', { namespace: 'Clover' }, /^namespace: must be a DNS-1123 label/],
  ['a version', { version: '1.4.0+build' }, /^version: must be at most 63 letters/],
  ['a mirror with a scheme', { registryMirror: 'https://m' }, /^registryMirror: must be a host/],
  ['dead letters without a scheme', { deadLetters: 'sink' }, /^deadLetters: must be an http/],
  [
    'a webhook of no URL',
    { notifications: [{ url: 'chat' }] },
    /^notifications\.0\.url: must be an http/,
  ],
  [
    'a webhook twice',
    { notifications: [{ url: 'https://a.example' }, { url: 'https://a.example' }] },
    /^notifications: a URL stands twice$/,
  ],
  [
    'a secret itself',
    { notifications: [{ url: 'https://a.example', secret: 'whsec_x' }] },
    /^notifications\.0\.secret: unknown key; there are url, signingSecret, types$/,
  ],
  ['a schedule that is none', { schedules: ['noon'] }, /^schedules\.0: .*"evaluate-resync"/],
  ['minutes that do not divide an hour', { resyncMinutes: 7 }, /^resyncMinutes: .*10/],
  ['one of a function itself', { schedules: ['evaluate-look'] }, /^schedules\.0: /],
  ['a function that is none', { functions: { guard: {} } }, /^functions\.guard: |^functions: /],
  [
    'more pods at least than at most',
    { functions: { api: { minScale: 3, maxScale: 2 } } },
    /^functions\.api\.minScale: must not be more than maxScale$/,
  ],
  [
    'an amount',
    { functions: { api: { resources: { limits: { memory: '64 MB' } } } } },
    /^functions\.api\.resources\.limits\.memory: must be a quantity/,
  ],
  [
    'more asked for than is given at most',
    { admission: { resources: { requests: { cpu: '1500m' }, limits: { cpu: 1 } } } },
    /^admission\.resources\.requests\.cpu: must not be more than limits\.cpu, which is 1$/,
  ],
  ...['0', 0, '32Ki', '100m', '9999999Ti', '1e99'].map((spoolSize): (typeof bad)[number] => [
    `a spool of ${JSON.stringify(spoolSize)}`,
    { agent: { spoolSize } },
    /^agent\.spoolSize: must be 64Ki to 1Pi$/,
  ]),
  [
    'the spool of a sink',
    { agent: { sinks: { jaeger: { endpoint: 'http://jaeger:4318', spoolSize: '1k' } } } },
    /^agent\.sinks\.jaeger\.spoolSize: must be 64Ki to 1Pi$/,
  ],
  [
    'a password',
    { clickhouse: { ...clickhouse, password: 'secret' } },
    /^clickhouse\.password: unknown key; there are url, username, database, passwordSecret$/,
  ],
  ...[
    'http://u:hunter2@c:8123',
    'http://u@c:8123',
    'http://c:8123/foo',
    'http://c:8123/?database=x',
    'http://c:8123/#x',
  ].map((url): (typeof bad)[number] => [
    `a URL of ClickHouse that says more than where it is (${url})`,
    { clickhouse: { ...clickhouse, url } },
    /^clickhouse\.url: must be scheme, host and port alone, .* with clickhouse\.username, clickhouse\.passwordSecret and clickhouse\.database$/,
  ]),
  ...(
    [
      ['deadLetters', (url: string) => ({ deadLetters: url })],
      ['telemetry.endpoint', (url: string) => ({ telemetry: { endpoint: url } })],
      ['notifications.0.url', (url: string) => ({ notifications: [{ url }] })],
      ['agent.sinks.a.endpoint', (url: string) => ({ agent: { sinks: { a: { endpoint: url } } } })],
    ] as const
  ).map(([field, said]): (typeof bad)[number] => [
    `a password in ${field}`,
    said('https://u:hunter2@receiver.example/x'),
    new RegExp(`^${field.replaceAll('.', String.raw`\.`)}: must be without a user and a password`),
  ]),
  ['a user name of nothing', { clickhouse: { ...clickhouse, username: '' } }, /^clickhouse\.user/],
  ['a taint', { tolerations: [{ effect: 'Never' }] }, /^tolerations\.0\.effect: /],
  ['a level', { podSecurity: 'tight' }, /^podSecurity: /],
  ['a level with agents', { podSecurity: 'baseline' }, /^podSecurity: must be privileged/],
  ['a size', { controlPlane: { volumeSize: '1 GB' } }, /^controlPlane\.volumeSize: must be a quan/],
  ...['spool', '/var/../etc', '/var/lib/clover/', '/a:b/c', '/a//b', '/./a'].map(
    (spoolFolder): (typeof bad)[number] => [
      `a folder of no plain path (${spoolFolder})`,
      { agent: { spoolFolder } },
      /^agent\.spoolFolder: must be an absolute path without /,
    ],
  ),
  ...['/etc', '/etc/clover', '/usr/lib/x', '/data', '/var/lib', '/proc/1'].map(
    (spoolFolder): (typeof bad)[number] => [
      `a folder that others have (${spoolFolder})`,
      { agent: { spoolFolder } },
      /^agent\.spoolFolder: must be a folder of the agents alone, /,
    ],
  ),
  [
    'a label of nodes that is none',
    { agent: { nodeSelector: { 'a b': 'c' } } },
    /^agent\.nodeSelector\.a b: is no name for one: must be letters, /,
  ],
  [
    'a value of such a label',
    { agent: { nodeSelector: { pool: true } } },
    /^agent\.nodeSelector\.pool: must be text: put it in quotes$/,
  ],
  [
    'a value where the taint is only to be there',
    { tolerations: [{ key: 'edge', operator: 'Exists', value: 'a' }] },
    /^tolerations\.0\.value: has no say where the operator is Exists/,
  ],
  [
    'an effect of any taint by equality',
    { agent: { tolerations: [{ effect: 'NoSchedule' }] } },
    /^agent\.tolerations\.0\.operator: must be Exists where there is no key/,
  ],
];
for (const [title, changes, problem] of bad) {
  test(`${title} is refused by the name of its field`, (t) => {
    const problems = problemsWith(changes);
    t.is(problems.length, 1, problems.join('\n'));
    t.regex(problems[0] ?? '', problem);
  });
}

const words: readonly [string, Readonly<Record<string, unknown>>, string][] = [
  [
    'what has to be said',
    { clickhouse: undefined },
    'clickhouse: has to be said: { url, passwordSecret: { name, key } }',
  ],
  [
    'a Secret that has to be said',
    { clickhouse: { url: 'http://c:8123' } },
    'clickhouse.passwordSecret: has to be said: { name, key } of a Secret',
  ],
  ['an empty text', { broker: { class: '' } }, 'broker.class: must not be empty'],
  ['a map', { agent: 'off' }, 'agent: must be a map'],
  ['a list', { pullSecrets: 'mirror' }, 'pullSecrets: must be a list'],
  ['no list', { agent: { sinks: [] } }, 'agent.sinks: must be a map'],
  ['a truth', { oidc: 'yes' }, 'oidc: must be true or false'],
  ['a number', { admission: { replicas: '2' } }, 'admission.replicas: must be a number'],
  ['a part', { admission: { replicas: 1.5 } }, 'admission.replicas: must be a whole number'],
  ['too few', { admission: { replicas: 0 } }, 'admission.replicas: must be at least 1'],
  ['too many', { admission: { replicas: 11 } }, 'admission.replicas: must be at most 10'],
  [
    'a list of nothing',
    { notifications: [{ url: 'https://a.example', types: [] }] },
    'notifications.0.types: must not be empty',
  ],
  [
    'a number in place of a text',
    { clickhouse: { ...clickhouse, username: 1 } },
    'clickhouse.username: must be text: put it in quotes',
  ],
  [
    'a slip in a value',
    { logLevel: 'wran' },
    'logLevel: must be one of "trace", "debug", "info", "warn", "error", "fatal", "silent"; did you mean "warn"?',
  ],
  [
    'a slip in a key of a map of functions',
    { functions: { ingset: {} } },
    'functions.ingset: unknown key; did you mean "ingest"?',
  ],
  ['a key that is like none of many', { quiet: true }, 'quiet: unknown key'],
  [
    'a name that is none',
    { agent: { sinks: { 'a b': { endpoint: 'http://a' } } } },
    'agent.sinks.a b: is no name for one: must be a DNS label',
  ],
];
for (const [title, changes, problem] of words) {
  test(`${title} is refused in words that say what to do`, (t) => {
    t.deepEqual(problemsWith(changes), [problem]);
  });
}

test('of several unknown keys each is told by itself', (t) => {
  t.deepEqual(problemsWith({ agnet: {}, admision: {} }), [
    'agnet: unknown key; did you mean "agent"?',
    'admision: unknown key; did you mean "admission"?',
  ]);
});

test('folders of the agents, labels and taints as nodes have them are taken', (t) => {
  for (const spoolFolder of [
    '/var/lib/clover/agent',
    '/var/spool/clover',
    '/data/clover',
    '/mnt/.a',
  ]) {
    t.deepEqual(problemsWith({ agent: { spoolFolder } }), [], spoolFolder);
  }
  const nodeSelector = { 'node.example.com/pool': 'edge', 'node-role.kubernetes.io/worker': '' };
  const tolerations = [
    { operator: 'Exists', effect: 'NoSchedule' },
    { key: 'node.example.com/edge', value: 'a_b' },
  ];
  t.deepEqual(problemsWith({ tolerations, agent: { nodeSelector, tolerations } }), []);
});

test('every bad field is named at once', (t) => {
  t.is(problemsWith({ namespace: '', version: '', logLevel: 'loud', tap: true }).length, 4);
});

test('what is no YAML, nothing, or more than one document is refused', (t) => {
  t.regex(problemsOf('version: [').join(), /at line 1/);
  t.regex(problemsOf('').join(), /^\(root\): /);
  t.regex(problemsOf('a: 1\n---\nb: 2\n').join(), /multiple documents/);
});
