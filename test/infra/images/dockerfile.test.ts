import test from 'ava';
import { imageSources } from '../../../infra/images/image-sources.ts';
import { readStages } from './dockerfile.ts';

test('the Dockerfile has a target for each image, and makes its files', async (t) => {
  const stageOf = await readStages();
  for (const { name } of imageSources) {
    const files = `${name}-files`;
    t.deepEqual(stageOf(name).from, [files]);
    t.deepEqual(stageOf(files).runs, [`node infra/images/images.ts ${name} --root /out`]);
  }
});

test('it runs each program as its image does', async (t) => {
  const stageOf = await readStages();
  // That this is how the image of a function runs it is held by images.test.ts.
  const { from: _, ...asFunction } = stageOf('hello');
  for (const { name, program } of imageSources) {
    const stage = stageOf(name);
    if (!('natives' in program)) {
      t.like(stage, asFunction, name);
      continue;
    }
    const { modules, node = { args: [], env: {} }, port, root } = program;
    const [file = ''] = Object.keys(modules);
    t.deepEqual(stage.Entrypoint, ['/usr/local/bin/node', ...node.args, `/app/${file}.mjs`]);
    const variables = Object.entries(node.env).map(([key, value]) => `${key}=${value}`);
    t.deepEqual(stage.Env, [...stageOf('process').Env, ...variables]);
    t.deepEqual(Object.keys(stage.ExposedPorts ?? {}), port === undefined ? [] : [`${port}/tcp`]);
    t.is(stage.User, root ? '0:0' : '65532:65532');
  }
});
