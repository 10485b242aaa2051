import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const head = `#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char name_of_license[] SEC("license") = "GPL";
`;

/** Debian names a version; others have the plain name, too. */
const clang = '"$(command -v clang || command -v clang-19 || command -v clang-14)" "$@"';

/** Makes an object file of kernel programs that are not Clover's, gives it to `use`, and removes it. */
export function withForeignPrograms(source: string, use: (object: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'clover-foreign-'));
  try {
    const [text, object] = [join(folder, 'foreign.c'), join(folder, 'foreign.o')];
    writeFileSync(text, `${head}${source}`);
    const multiarch = execFileSync('gcc', ['-print-multiarch'], { encoding: 'utf8' }).trim();
    const flags = ['-target', 'bpf', '-O2', '-g', `-I/usr/include/${multiarch}`];
    execFileSync('sh', ['-c', clang, 'clang', ...flags, '-c', text, '-o', object]);
    use(object);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Loads and attaches them; it says what is wrong on standard error. */
export const bpftool = (...args: readonly string[]): void => {
  execFileSync('bpftool', args, { stdio: ['ignore', 'ignore', 'inherit'] });
};
