import type { CliEnv } from '../env.ts';

const everyMs = 500;

/** Shows how much of a file was read, on a terminal that shows nothing else meanwhile. */
export function showProgress(
  { stderr, stdout }: Pick<CliEnv, 'stderr' | 'stdout'>,
  share: () => number | undefined,
): { readonly end: () => void } {
  if (!stderr.isTTY || stdout.isTTY) return { end: () => undefined };
  let shown = false;
  const timer = setInterval(() => {
    const now = share();
    if (now === undefined) return;
    shown = true;
    stderr.write(`\r${Math.floor(now * 100)} % read`);
  }, everyMs);
  return {
    end() {
      clearInterval(timer);
      if (shown) stderr.write('\r\u001B[K');
      shown = false;
    },
  };
}
