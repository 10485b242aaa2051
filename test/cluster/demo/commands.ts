import { execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { relative } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A program that the demo runs, such as kubectl. */
export interface Command {
  /** What it prints. Said before it runs, the first time that it runs with these arguments. */
  readonly run: (args: readonly string[], input?: string) => Promise<string>;
  /** Its lines as they come, until it ends or the signal says so. */
  readonly follow: (
    args: readonly string[],
    signal: AbortSignal,
  ) => AsyncGenerator<string, void, void>;
}

/** How a program is run. */
export interface CommandOptions {
  /** What a user would type for it. */
  readonly name: string;
  readonly program: string;
  /** Arguments before all others, which are not said. */
  readonly before?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Ends what runs. */
  readonly signal: AbortSignal;
  /** Hears each command as a user would type it. */
  readonly say: (line: string) => void;
}

/** A program whose every command is told: what is asked again and again only once. */
export function createCommand(options: CommandOptions): Command {
  const { name, program, before = [], env = {}, signal, say } = options;
  const said = new Set<string>();
  const tell = (args: readonly string[]): void => {
    const line = [name, ...args].map(quoted).join(' ');
    if (!said.has(line)) say(`$ ${line}`);
    said.add(line);
  };
  const environment = { ...process.env, ...env };
  return {
    async run(args, input = '') {
      tell(args);
      const running = run(program, [...before, ...args], {
        env: environment,
        signal,
        maxBuffer: 64 * 1024 ** 2,
      });
      running.child.stdin?.on('error', () => undefined);
      running.child.stdin?.end(input);
      return (await running).stdout;
    },
    async *follow(args, until) {
      tell(args);
      const ended = AbortSignal.any([signal, until]);
      const child = spawn(program, [...before, ...args], {
        env: environment,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const end = (): void => void child.kill();
      ended.addEventListener('abort', end, { once: true });
      const exit = new Promise<number | null>((resolve) => {
        child.once('close', resolve);
      });
      try {
        if (ended.aborted) end();
        yield* createInterface(child.stdout);
      } finally {
        end();
        ended.removeEventListener('abort', end);
      }
      const code = await exit;
      ended.throwIfAborted();
      if (code !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${code}`);
    },
  };
}

/** As a shell takes it, and from the checkout, where it is a path in there. */
function quoted(word: string): string {
  const local = word.startsWith(`${process.cwd()}/`) ? relative(process.cwd(), word) : word;
  return /^[\w./:=,@%+-]+$/.test(local) ? local : `'${local.replaceAll("'", String.raw`'\''`)}'`;
}
