import { z } from 'zod';

/** Folders that a node's own programs live by. */
const ofNode = ['bin', 'boot', 'dev', 'etc', 'lib', 'lib64', 'proc', 'sbin', 'sys', 'usr'];

/**
 * A folder of each node, which agents make and write to as root: a plain path, as the API server takes one, to a folder of their own.
 * https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
 */
export const spoolFolder: z.ZodType<string, string> = z
  .string()
  .regex(/^(\/(?!\.{1,2}(\/|$))[^/:\0]+)+$/, {
    error:
      'must be an absolute path without "..", ":" and a "/" at its end, such as "/var/lib/clover/agent"',
    abort: true,
  })
  .refine(isOwn, {
    error: `must be a folder of the agents alone, such as "/var/lib/clover/agent": none at the top, of /var itself, or below ${ofNode.map((name) => `/${name}`).join(', ')}`,
  });

function isOwn(path: string): boolean {
  const [top = '', ...below] = path.split('/').slice(1);
  return !ofNode.includes(top) && below.length >= (top === 'var' ? 2 : 1);
}
