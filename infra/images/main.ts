import { fileURLToPath } from 'node:url';
import { eventTypes } from '../../knative/events.ts';
import { apiVersion } from '../../knative/resources/meta.ts';
import { bundle, type BundleSource } from './bundle.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The sample, which answers each event and does nothing else. */
export const hello: BundleSource = {
  name: 'hello',
  entry: `${root}infra/samples/hello/main.ts`,
  event: { type: 'com.example.hello.v1', data: '' },
};

const tick = { type: eventTypes.tick, data: '{}' };

const added = {
  type: eventTypes.resourceAdded,
  data: JSON.stringify({
    apiVersion,
    kind: 'TrafficPolicy',
    metadata: { namespace: 'none', name: 'none', uid: 'none', resourceVersion: '1' },
  }),
};

/** Functions that run as processes of their own. */
export const sources: readonly BundleSource[] = [
  hello,
  // No request of its routes is made while it is baked: what V8 makes of the router is not the same every time.
  { name: 'api', entry: `${root}functions/api/main.ts` },
  { name: 'evaluate', entry: `${root}functions/evaluate/main.ts`, event: tick },
  {
    name: 'ingest',
    entry: `${root}functions/ingest/main.ts`,
    // Where it looks for it, seen from the file.
    addons: {
      'build/Release/clover_codec.node': `${root}native/codec/build/Release/clover_codec.node`,
    },
  },
  { name: 'notify', entry: `${root}functions/notify/main.ts`, event: added },
  { name: 'policy', entry: `${root}functions/policy/main.ts`, event: tick },
];

async function main(names: readonly string[]): Promise<void> {
  const known = sources.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    process.stderr.write(`there is no function ${unknown}: there are ${known.join(', ')}\n`);
    process.exitCode = 2;
    return;
  }
  for (const source of sources.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const { file, bytes, args, env } = await bundle(source, `${root}dist/${source.name}`);
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    process.stdout.write(`${file}  ${Math.round(bytes / 1_024)} KiB\n`);
    process.stdout.write(`  ${[...variables, 'node', ...args].join(' ')}\n`);
  }
}

if (import.meta.main) await main(process.argv.slice(2));
