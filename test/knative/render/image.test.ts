import test from 'ava';
import { imageOf } from '../../../knative/render/image.ts';
import { installationOf, leastInstallation } from './installations.ts';

const digest = `sha256:${'0'.repeat(64)}`;

const mirrored = (image: string): string =>
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
    t.is(mirrored(image), `mirror.example:5000/all/${there}`);
  });
}

test('without a mirror an image is the one that was named', (t) => {
  t.is(imageOf(installationOf({}), 'policy'), 'registry.example/clover/policy:1.4.0');
});

test('a function without an image is a mistake of the caller', (t) => {
  t.throws(() => imageOf(installationOf({}), 'guard'), { message: /guard has no image/ });
});
