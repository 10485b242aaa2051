import { createHash } from 'node:crypto';

/** The annotation of pods that read a configuration at their start: another one makes new pods. */
export function configurationHash(data: Readonly<Record<string, string>>): Record<string, string> {
  const hash = createHash('sha256').update(JSON.stringify(data)).digest('hex').slice(0, 16);
  return { 'clover.dev/configuration': hash };
}
