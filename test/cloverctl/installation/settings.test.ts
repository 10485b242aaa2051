import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import {
  checkedInstallation,
  chosenSettings,
  merge,
  withoutNulls,
} from '../../../cloverctl/installation/settings.ts';
import { parseSet, type SetOption } from '../../../cloverctl/installation/set-option.ts';
import { temporaryFolder } from '../../functions/host/helpers.ts';

const sets = (...texts: readonly string[]): readonly SetOption[] =>
  texts.reduce<readonly SetOption[]>((before, text) => parseSet(text, before), []);
const found = { namespace: 'clover-system', knative: false };

test('maps are merged, and all else is replaced', (t) => {
  const base = { agent: { enabled: true, untapped: ['a'] }, logLevel: 'info' };
  const over = { agent: { untapped: ['b'] }, registry: 'r' };
  t.deepEqual(merge(base, over), {
    agent: { enabled: true, untapped: ['b'] },
    logLevel: 'info',
    registry: 'r',
  });
});

test('--set stands over a registry, that over a file, and all of them over what was said before', async (t) => {
  const filename = join(await temporaryFolder(t), 'installation.yaml');
  await writeFile(filename, 'registry: of-the-file\nlogLevel: warn\nagent: { spoolSize: 1Gi }\n');
  const before = { logLevel: 'trace', networkPolicies: false };
  const set = sets('agent.enabled=false', 'registry=of-the-option', 'agent.untapped=[a, b]');
  t.deepEqual(merge(before, chosenSettings({ filename, imageRegistry: 'of-the-switch', set })), {
    logLevel: 'warn',
    networkPolicies: false,
    registry: 'of-the-option',
    agent: { spoolSize: '1Gi', enabled: false, untapped: ['a', 'b'] },
  });
});

test('null takes a setting back, also one of a map', (t) => {
  const before = {
    telemetry: { endpoint: 'http://c' },
    agent: { nodeSelector: { disk: 'ssd', zone: 'a' } },
  };
  const said = chosenSettings({ set: sets('telemetry=null', 'agent.nodeSelector.disk=null') });
  t.deepEqual(withoutNulls(merge(before, said)), { agent: { nodeSelector: { zone: 'a' } } });
});

test('what is no YAML, no map or not there is refused by its name', async (t) => {
  const filename = join(await temporaryFolder(t), 'list.yaml');
  await writeFile(filename, '- a\n');
  const refused = (options: Parameters<typeof chosenSettings>[0], message: RegExp): void => {
    t.throws(() => chosenSettings(options), { code: 'CLV_ARGUMENT_INVALID', message });
  };
  refused({ filename }, /list\.yaml: must be one map of settings/);
  refused({ filename: '/nowhere' }, /cannot read \/nowhere/);
  refused({ set: sets('agent.untapped=[a') }, /--set agent\.untapped: /);
  for (const text of ['agent', '=1', 'agent..x=1']) {
    t.throws(() => parseSet(text), { message: /must be NAME=VALUE/ }, text);
  }
});

test('every setting that is wrong is named, also a namespace that is not the one of the command', (t) => {
  const settings = { namespace: 'other', logLevel: 'loud', agnet: {} };
  const error = t.throws(() => checkedInstallation(settings, found), {
    code: 'CLV_ARGUMENT_INVALID',
    message: 'settings are missing or wrong: say them with --set NAME=VALUE or -f FILE',
  });
  const told = JSON.stringify(error);
  for (const name of ['namespace', 'logLevel', 'agnet', 'clickhouse']) {
    t.true(told.includes(name), `${name} in ${told}`);
  }
});
