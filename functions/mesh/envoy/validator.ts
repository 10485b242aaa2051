import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { canonicalJson } from '../../lib/canonical-json.ts';
import { staticBootstrap } from './bootstrap.ts';
import type { EnvoyResources } from './resources.ts';

const run = promisify(execFile);
const failed = z.object({ stderr: z.string() });

/** Says why Envoy refuses resources; undefined when it does not. */
export type ExplainRejection = (resources: EnvoyResources) => Promise<string | undefined>;

/**
 * Asks a second Envoy with `--mode validate` (0.1 to 1 s): the admin interface of Envoy 1.40 names no
 * reason for refused clusters and routes, it only counts them.
 */
export function createEnvoyValidator(options: { readonly binary: string }): ExplainRejection {
  return async (resources) => {
    const folder = await mkdtemp(join(tmpdir(), 'clover-validate-'));
    try {
      const file = join(folder, 'envoy.json');
      await writeFile(file, canonicalJson(staticBootstrap(resources)));
      const flags = ['--mode', 'validate', '--use-dynamic-base-id', '--log-level', 'critical'];
      await run(options.binary, ['--config-path', file, ...flags], { timeout: 10_000 });
      return undefined;
    } catch (error) {
      return reasonIn(failed.safeParse(error).data?.stderr ?? String(error));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}

/** Envoy's own sentence, without the time stamp, thread and source of its log. */
function reasonIn(stderr: string): string {
  const said = stderr
    .split('\n')
    .map((line) => line.replace(/^(\[[^\]]*\]\s?)+/, '').trim())
    .filter((line) => line !== '');
  return (
    said.at(-1)?.replace(/^.*error initializing config(uration)? '[^']*': /, '') ?? 'no reason'
  );
}
