import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release } from 'node:os';
import { envoyProgram } from '../supervisor/programs.ts';
import type { Finding } from './finding.ts';
import { olderKernelFix } from './kernel.ts';
import { cloverUnits, unitFindings, type Unit } from './unit-findings.ts';

const btf = '/sys/kernel/btf/vmlinux';

/** Of a machine with a release the state of its units, of any other one what `cloverctl up` and `demo` need of it. */
export function machineFindings(
  uid: number | undefined = process.getuid?.(),
  btfFile = btf,
  envoy: () => string = envoyProgram,
  units: readonly Unit[] = cloverUnits(),
): readonly Finding[] {
  const machine: readonly Finding[] = [
    uid === 0
      ? { check: 'root', state: 'good', found: 'yes' }
      : {
          check: 'root',
          state: 'bad',
          found: `user ${uid ?? 'unknown'}`,
          fix: 'eBPF and network namespaces need it: use sudo, or a root shell',
        },
    kernelFinding(btfFile),
  ];
  if (units.length > 0) return [...machine, ...unitFindings(units)];
  return [
    ...machine,
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
    const fix = 'run npm run setup in a checkout, where alone up and demo work';
    return { check, state: 'bad', found: 'is not there', fix };
  }
}
