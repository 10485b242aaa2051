import { once } from 'node:events';
import { createServer } from 'node:net';
import process from 'node:process';
import { CloverError } from '../../functions/lib/errors.ts';

/**
 * Asserts that a user may run a stack.
 * @throws CloverError CLV_CAPTURE_UNAVAILABLE for anybody but root.
 */
export function assertRoot(uid: number | undefined = process.getuid?.()): void {
  if (uid === 0) return;
  const message = 'not root: eBPF and network namespaces need it; use sudo, or a root shell';
  throw new CloverError('CLV_CAPTURE_UNAVAILABLE', message);
}

/**
 * Asserts that a TCP port of 127.0.0.1 can be listened on.
 * @throws CloverError CLV_CONFLICT when it cannot.
 */
export async function assertPortFree(port: number): Promise<void> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch (cause) {
    const message = `port ${port} of 127.0.0.1 cannot be listened on: another "cloverctl up" may be running; end it, or take another port with --port`;
    throw new CloverError('CLV_CONFLICT', message, { cause });
  }
  await once(server.close(), 'close');
}
