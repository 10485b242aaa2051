import { createHash } from 'node:crypto';

/**
 * The annotation of pods that read a configuration at their start: another one makes new pods.
 * @param data a secret among it has to be one that nobody guesses: who sees pods sees its hash.
 */
export function configurationHash(
  ...data: readonly Readonly<Record<string, string>>[]
): Record<string, string> {
  const hash = createHash('sha256').update(JSON.stringify(data)).digest('hex').slice(0, 16);
  return { 'clover.dev/configuration': hash };
}
