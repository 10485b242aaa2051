import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../cloverctl/bin.mjs', import.meta.url));
const quoted = (word: string): string => `'${word.replaceAll("'", String.raw`'\''`)}'`;

/**
 * Runs cloverctl under a real pseudo terminal, of `script` of util-linux, which every Debian has.
 * @returns All that came to the terminal, with plain line feeds.
 */
export async function runPty(
  args: readonly string[],
  {
    columns,
    variables = {},
  }: {
    readonly columns: number;
    readonly variables?: Readonly<Record<string, string>>;
  },
): Promise<string> {
  const command = [process.execPath, bin, ...args].map(quoted).join(' ');
  const line = `stty cols ${columns} rows 40 && exec ${command}`;
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    env: {
      CLOVER_HOME: '/nonexistent',
      PATH: process.env['PATH'] ?? '',
      SHELL: '/bin/sh',
      TERM: 'xterm',
      ...variables,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => undefined);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  await once(child, 'close');
  return output.replaceAll('\r\n', '\n');
}
