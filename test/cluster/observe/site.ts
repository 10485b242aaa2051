import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Supervisor } from '../../../cloverctl/supervisor/processes.ts';

/** Where one program of the tier `observe` runs. */
export interface ProgramSite {
  readonly supervisor: Supervisor;
  /** Path of the program. */
  readonly program: string;
  /** Folder for its settings and its data; it is there. */
  readonly folder: string;
  /** The address that it listens at. */
  readonly address: string;
}

/**
 * Writes settings for a program that reads YAML. JSON is YAML.
 * @returns the file's path.
 */
export function writeSettings(folder: string, name: string, settings: object): string {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, `${JSON.stringify(settings, null, 2)}\n`, { mode: 0o600 });
  return file;
}
