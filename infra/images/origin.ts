import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CloverError } from '../../functions/lib/errors.ts';

/** Which commit images are made of, and when that was made. */
export interface Origin {
  readonly revision: string;
  /** RFC 3339. */
  readonly created: string;
}

/**
 * Reads it from `REVISION` and `SOURCE_DATE_EPOCH` (https://reproducible-builds.org/specs/source-date-epoch/), else from git.
 * @throws CloverError CLV_CONFIG_INVALID where neither says it.
 */
export async function readOrigin(
  repository: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Origin> {
  const epoch = env['SOURCE_DATE_EPOCH'] ?? (await git(repository, '%ct'));
  const seconds = Number(epoch);
  if (!/^\d{1,11}$/.test(epoch)) {
    throw new CloverError(
      'CLV_CONFIG_INVALID',
      `SOURCE_DATE_EPOCH: found ${JSON.stringify(epoch)}, and it has to be whole seconds since 1970`,
    );
  }
  return {
    revision: env['REVISION'] ?? (await git(repository, '%H')),
    created: new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z'),
  };
}

async function git(repository: string, format: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('git', [
      '-C',
      repository,
      'log',
      '-1',
      `--format=${format}`,
    ]);
    return stdout.trim();
  } catch (cause) {
    throw new CloverError(
      'CLV_CONFIG_INVALID',
      'this is no checkout of git: SOURCE_DATE_EPOCH and REVISION have to say what images are made of',
      { cause },
    );
  }
}
