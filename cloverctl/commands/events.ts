import type { Command } from 'commander';
import type { CliEnv } from '../env.ts';
import { registerSend } from './events-send.ts';
import { registerTail } from './events-tail.ts';

/** `events`: the broker's CloudEvents. */
export function registerEvents(program: Command, env: CliEnv): void {
  const group = program
    .command('events')
    .description('CloudEvents of the broker: see them pass, and send them');
  registerSend(group, env);
  registerTail(group, env);
}
