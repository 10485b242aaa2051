import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { run } from './command.ts';

/** Pairs of veths, as many of both ends as that. In a group of their own they go with one command. */
export async function makeLinks(
  count: number,
): Promise<{ readonly names: readonly string[]; remove(): Promise<void> }> {
  const group = String(process.pid);
  const ends = ['a', 'b'].map((letter) =>
    Array.from({ length: Math.ceil(count / 2) }, (_one, at) => `clvf${process.pid}${letter}${at}`),
  );
  const [left = [], right = []] = ends;
  const lines = left.map(
    (name, at) =>
      `link add ${name} group ${group} type veth peer name ${right[at] ?? ''} group ${group}\n`,
  );
  const remove = async (): Promise<void> => {
    await run('ip', ['link', 'delete', 'group', group]).catch(() => undefined);
  };
  const batch = spawn('ip', ['-batch', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
  const exit: Promise<unknown[]> = once(batch, 'exit');
  batch.stdin.end(lines.join(''));
  const [code] = await exit;
  if (code !== 0) {
    await remove();
    throw new Error(`cannot make ${count} interfaces`);
  }
  return { names: [...left, ...right].slice(0, count), remove };
}
