import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Kernel } from './debian.ts';

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
  signal: AbortSignal,
): Promise<string[]> {
  const args = [
    ['-nodefaults', '-no-user-config', '-no-reboot'],
    ['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1024'],
    ['-display', 'none', '-serial', 'stdio'],
    ['-kernel', kernel.image, '-initrd', initramfs],
    ['-append', 'console=ttyS0 quiet panic=-1 tsc=unstable'],
  ].flat();
  const machine = spawn('qemu-system-x86_64', args, {
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
