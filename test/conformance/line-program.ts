import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program that answers each line of JSON with one. */
export interface LineProgram {
  readonly ask: (question: unknown) => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/**
 * Starts a program in a process of its own. Questions are asked one after the other.
 * @throws Error when it has ended before its answer.
 */
export function startProgram(path: string): LineProgram {
  const child = spawn(path, [], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended: Promise<unknown> = once(child, 'close');
  const lines: AsyncIterator<string, unknown, undefined> = createInterface({ input: child.stdout })[
    Symbol.asyncIterator
  ]();
  return {
    ask: async (question) => {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const line = await lines.next();
      if (line.done === true) throw new Error(`${path} has ended`);
      const answer: unknown = JSON.parse(line.value);
      return answer;
    },
    close: async () => {
      child.stdin.end();
      await ended;
    },
  };
}
