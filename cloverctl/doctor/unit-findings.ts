import { execFileSync } from 'node:child_process';
import { z } from 'zod';
import type { Finding } from './finding.ts';

/** A unit of systemd, as `systemctl list-units --output=json` tells it. */
export interface Unit {
  readonly unit: string;
  /** `active`, `inactive`, `failed`, `activating`, … */
  readonly active: string;
  /** The same in the words of its kind, such as `running`. */
  readonly sub: string;
}

const unitList = z.array(z.object({ unit: z.string(), active: z.string(), sub: z.string() }));

/** Clover's services on this machine, as `install.sh` of a release makes them; none where there is no systemd. */
export function cloverUnits(systemctl = 'systemctl'): readonly Unit[] {
  try {
    const args = ['list-units', 'clover-*.service', '--all', '--output=json', '--no-pager'];
    const text = execFileSync(systemctl, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return unitList.parse(JSON.parse(text));
  } catch {
    return [];
  }
}

/** Whether each of them runs. */
export function unitFindings(units: readonly Unit[]): readonly Finding[] {
  return units.map(({ unit, active, sub }) => {
    const found = `${active} (${sub})`;
    return active === 'active'
      ? { check: unit, state: 'good', found }
      : { check: unit, state: 'bad', found, fix: `journalctl -u ${unit} tells why` };
  });
}
