import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Kernel } from './debian.ts';

/** How machines of an architecture are made. */
const machines = {
  amd64: {
    emulator: 'qemu-system-x86_64',
    args: ['-cpu', 'max'],
    kernel: 'console=ttyS0 tsc=unstable',
  },
  arm64: {
    emulator: 'qemu-system-aarch64',
    args: ['-machine', 'virt', '-cpu', 'cortex-a72'],
    kernel: 'console=ttyAMA0',
  },
} as const;

/** As Debian writes it. */
export type Architecture = keyof typeof machines;

/** A minute on an idle machine is ten seconds; the processor is translated, so that nested virtualisation is not needed. */
const limitMs = 240_000;

/**
 * Boots a kernel with a root file system in memory, and waits until the guest switches itself off.
 *
 * @returns what it said on its serial console, by lines
 * @throws Error when it does not end
 */
export async function boot(
  kernel: Kernel,
  initramfs: string,
  architecture: Architecture,
  signal: AbortSignal,
): Promise<string[]> {
  const { emulator, args: own, kernel: parameters } = machines[architecture];
  const args = [
    ['-nodefaults', '-no-user-config', '-no-reboot'],
    [...own, '-accel', 'tcg,thread=multi', '-smp', '2', '-m', '1024'],
    ['-display', 'none', '-serial', 'stdio'],
    ['-kernel', kernel.image, '-initrd', initramfs],
    ['-append', `${parameters} quiet panic=-1`],
  ].flat();
  const machine = spawn(emulator, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    machine.on('error', reject);
    machine.once('exit', resolve);
  });
  const lines: string[] = [];
  for await (const line of createInterface(machine.stdout)) lines.push(line);
  const code = await ended;
  if (code !== 0) throw new Error(`the machine ended with ${code}:\n${lines.join('\n')}`);
  return lines;
}
