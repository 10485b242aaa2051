import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release } from 'node:os';
import { envoyProgram } from '../supervisor/programs.ts';
import type { Finding } from './finding.ts';
import { olderKernelFix } from './kernel.ts';

const btf = '/sys/kernel/btf/vmlinux';

/** What `cloverctl up` and `demo` need of this machine. */
export function machineFindings(
  uid: number | undefined = process.getuid?.(),
  btfFile = btf,
  envoy: () => string = envoyProgram,
): readonly Finding[] {
  return [
    uid === 0
      ? { check: 'root', state: 'good', found: 'yes' }
      : {
          check: 'root',
          state: 'bad',
          found: `user ${uid ?? 'unknown'}`,
          fix: 'eBPF and network namespaces need it: use sudo, or a root shell',
        },
    kernelFinding(btfFile),
    programFinding('Envoy', envoy),
    programFinding('ClickHouse', () => {
      const name = `@chdb/lib-linux-${process.arch}-gnu/package.json`;
      return createRequire(import.meta.url).resolve(name);
    }),
  ];
}

function kernelFinding(btfFile: string): Finding {
  const check = 'kernel';
  const old = olderKernelFix(release());
  if (old !== undefined) return { check, state: 'bad', found: release(), fix: old };
  if (existsSync(btfFile)) {
    return { check, state: 'good', found: `${release()}, with its types (BTF)` };
  }
  const fix = 'use a kernel that is built with CONFIG_DEBUG_INFO_BTF=y';
  return { check, state: 'bad', found: `${release()}, without ${btfFile}`, fix };
}

function programFinding(check: string, find: () => string): Finding {
  try {
    return { check, state: 'good', found: find() };
  } catch {
    // A release for hosts has neither: its programs are units, and these commands are not for it.
    const fix =
      'run npm run setup in a checkout, where alone up and demo work; of units, systemctl list-units "clover*" tells';
    return { check, state: 'bad', found: 'is not there', fix };
  }
}
