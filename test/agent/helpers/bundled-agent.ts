import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { agentProcess, bundleProcess } from '../../../infra/images/process-bundle.ts';
import type { AtEnd } from './memory-limit.ts';

/** Bundles the agent until the end of `t`, and returns the command by which its image runs it. */
export async function bundledAgent(t: AtEnd): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'clover-bundle-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const repository = fileURLToPath(new URL('../../../', import.meta.url));
  const natives = join(repository, 'native');
  const made = await bundleProcess(agentProcess, repository, natives, join(folder, 'agent'));
  const variables = Object.entries(made.env).map(([name, value]) => `${name}=${value}`);
  return ['env', ...variables, process.execPath, ...made.args];
}
