import { mkdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { boot } from './machine.ts';
import { fetchKernel } from './debian.ts';
import { makeInitramfs } from './initramfs.ts';
import { checksOf } from './report.ts';
import { foreignUserland, hostUserland } from './userland.ts';

/** Where kernels are kept between runs. */
const folder = '.cache/kernels';
/** Releases of Debian, and the kernels that they have. */
const releases = { '5.10': 'bullseye', '6.1': 'bookworm', '6.12': 'trixie' } as const;
/** Checks of each: a guest that says less has not come to its end. */
const checksEach = 5;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { arch: { type: 'string', default: 'amd64' } } });
  if (values.arch !== 'amd64' && values.arch !== 'arm64')
    throw new Error(`--arch: found ${values.arch}, and there is amd64 and arm64`);
  const architecture = values.arch;
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => abort.abort(new Error(`stopped by ${signal}`)));
  await mkdir(folder, { recursive: true });
  const userland =
    architecture === 'amd64' ? await hostUserland() : await foreignUserland(folder, architecture);
  let [passed, failed] = [0, 0];
  for (const [version, suite] of Object.entries(releases)) {
    const kernel = await fetchKernel(folder, { suite, architecture });
    const initramfs = await makeInitramfs(folder, kernel, userland);
    const console = await boot(kernel, initramfs, architecture, abort.signal);
    const checks = checksOf(console);
    for (const check of checks)
      process.stdout.write(
        `${check.passed ? 'passed' : 'FAILED'}  ${version.padEnd(5)} ${check.text}\n`,
      );
    const missing = checksEach - checks.length;
    if (missing > 0) {
      process.stdout.write(
        `FAILED  ${version.padEnd(5)} ${missing} checks did not come:\n${console.join('\n')}\n`,
      );
    }
    passed += checks.filter((check) => check.passed).length;
    failed += checks.filter((check) => !check.passed).length + Math.max(0, missing);
  }
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  if (failed > 0) process.exitCode = 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`kernels: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
