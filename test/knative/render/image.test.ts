import test from 'ava';
import { imageOf } from '../../../knative/render/image.ts';
import { installationOf, leastInstallation } from './installations.ts';

const digest = `sha256:${'0'.repeat(64)}`;

const fromMirror = (image: string): string =>
  imageOf(
    installationOf({
      images: { ...leastInstallation.images, api: image },
      registryMirror: 'mirror.example:5000/all',
    }),
    'api',
  );

for (const [image, there] of [
  ['registry.example/clover/api:1.4.0', 'clover/api:1.4.0'],
  ['registry.example:5000/clover/api', 'clover/api'],
  ['localhost/api:1', 'api:1'],
  ['clover/api:1.4.0', 'clover/api:1.4.0'],
  ['api', 'api'],
  ['api:1.4.0', 'api:1.4.0'],
  [`registry.example/api@${digest}`, `api@${digest}`],
] as const) {
  test(`a mirror stands in place of the registry of ${image}`, (t) => {
    t.is(fromMirror(image), `mirror.example:5000/all/${there}`);
  });
}

test('without a mirror an image is the one that was named', (t) => {
  t.is(imageOf(installationOf({}), 'policy'), 'registry.example/clover/policy:1.4.0');
});

test('an image that is not named is that of the registry, of this version', (t) => {
  const installation = installationOf({ images: {}, registry: 'registry.example/clover' });
  t.is(imageOf(installation, 'agent'), 'registry.example/clover/clover-agent:1.4.0');
  const mirrored = installationOf({ images: {}, registryMirror: 'mirror.example' });
  t.is(imageOf(mirrored, 'control-plane'), 'mirror.example/clover-control-plane:1.4.0');
});
