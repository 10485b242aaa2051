import { dirname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { EmbeddedCommand } from '../../functions/analytics/embedded-command.ts';
import { envoyArguments } from '../../functions/mesh/envoy/bootstrap.ts';
import type { ProcessSpec } from './processes.ts';

/** A process of the stack, by the name in the supervisor and of its log. */
export type StackPart = 'clickhouse' | 'control-plane' | 'envoy' | 'agent';

/** What the processes are started with. */
export interface StackCommands {
  readonly clickhouse: EmbeddedCommand;
  /** Configuration files. */
  readonly files: { readonly controlPlane: string; readonly agent: string; readonly envoy: string };
  readonly envoy: string;
  readonly gatewayNamespace: string | undefined;
  readonly env: Readonly<Record<string, string>>;
}

/** The processes of one machine in the order of their start. */
export function stackProcesses(
  options: StackCommands,
): readonly (ProcessSpec & { readonly name: StackPart })[] {
  const { clickhouse, files, env } = options;
  const common = { env, restart: true };
  return [
    {
      ...common,
      name: 'clickhouse',
      command: clickhouse.command,
      args: clickhouse.args,
      cwd: dirname(clickhouse.logFile),
      // It lives as long as this pipe: it never outlives its supervisor.
      stdin: true,
    },
    {
      ...common,
      name: 'control-plane',
      command: process.execPath,
      args: [program('functions/host/main.ts'), '--config', files.controlPlane],
      graceMs: 15_000,
    },
    {
      ...common,
      name: 'envoy',
      command: options.envoy,
      args: envoyArguments({ bootstrapFile: files.envoy, concurrency: 1 }),
      ...(options.gatewayNamespace === undefined ? {} : { namespace: options.gatewayNamespace }),
    },
    {
      ...common,
      name: 'agent',
      command: process.execPath,
      args: [program('agent/main.ts'), '--config', files.agent],
      // It delivers what it has before it ends.
      graceMs: 15_000,
    },
  ];
}

function program(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
