import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { cloverUnits } from '../../../cloverctl/doctor/unit-findings.ts';
import { machineFindings } from '../../../cloverctl/doctor/machine-findings.ts';
import { temporaryFolder } from '../../functions/host/helpers.ts';

const agent = { unit: 'clover-agent.service', active: 'active', sub: 'running' };
const envoy = { unit: 'clover-envoy.service', active: 'failed', sub: 'failed' };

test('of a machine with a release its units are told, and nothing of a checkout', (t) => {
  const told = machineFindings(0, '/proc/self/status', () => '/envoy', [agent, envoy]);
  t.deepEqual(
    told.map(({ check }) => check),
    ['root', 'kernel', agent.unit, envoy.unit],
  );
  t.like(told[2], { state: 'good', found: 'active (running)' });
  t.deepEqual(told[3], {
    check: envoy.unit,
    state: 'bad',
    found: 'failed (failed)',
    fix: 'journalctl -u clover-envoy.service tells why',
  });
});

test('units are what systemctl says of services, and none where it says nothing', async (t) => {
  const folder = await temporaryFolder(t);
  const program = join(folder, 'systemctl');
  const said = JSON.stringify([{ ...agent, load: 'loaded', description: 'Clover' }, envoy]);
  const script = `#!/bin/sh\n[ "$1 $2" = 'list-units clover-*.service' ] && echo '${said}'\n`;
  writeFileSync(program, script, { mode: 0o755 });
  t.deepEqual(cloverUnits(program), [agent, envoy]);
  t.deepEqual(cloverUnits(join(folder, 'nothing')), []);
  t.deepEqual(cloverUnits('false'), []);
});
