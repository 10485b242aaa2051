import test from 'ava';
import { machineFindings } from '../../../cloverctl/doctor/machine-findings.ts';
import { olderKernelFix } from '../../../cloverctl/doctor/kernel.ts';
import { runCli } from '../run-cli.ts';

const envoyProgram = (): string => {
  throw new Error('not there');
};

test('a machine that lacks something hears what helps', (t) => {
  const [root, kernel, envoy] = machineFindings(1000, '/nonexistent', envoyProgram, []);
  t.like(root, { state: 'bad', found: 'user 1000' });
  t.regex(root?.fix ?? '', /sudo/);
  t.like(kernel, { state: 'bad' });
  t.regex(kernel?.fix ?? '', /CONFIG_DEBUG_INFO_BTF/);
  t.like(envoy, { state: 'bad', found: 'is not there' });
  t.regex(envoy?.fix ?? '', /npm run setup in a checkout, where alone up and demo work/);
});

test('doctor looks at this machine, one line for each thing, and says so to programs', async (t) => {
  const told = await runCli(['doctor', '--local']);
  const findings = machineFindings();
  t.is(told.code, findings.some(({ state }) => state === 'bad') ? 1 : 0);
  t.deepEqual(
    findings.map(({ check }) => check),
    ['root', 'kernel', 'Envoy', 'ClickHouse'],
  );
  for (const { check, found } of findings) t.true(told.stdout.includes(` ${check}: ${found}\n`));
  const json = await runCli(['doctor', '--local', '--json']);
  t.deepEqual(JSON.parse(json.stdout), { of: 'machine', findings });
});

test('kernels from 5.10 on are new enough', (t) => {
  for (const release of ['5.10.0-amd64', '5.15.0-generic', '6.1.0', '7.0.1'])
    t.is(olderKernelFix(release), undefined);
  for (const release of ['5.9.16', '4.19', '']) {
    t.regex(olderKernelFix(release) ?? '', /Linux 5\.10/);
  }
});
