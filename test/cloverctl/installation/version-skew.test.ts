import test from 'ava';
import { demandStep } from '../../../cloverctl/installation/version-skew.ts';

test('a version goes to itself, to a later patch and to the next minor version', (t) => {
  for (const next of ['1.2.3', '1.2.9', '1.3.0']) t.notThrows(() => demandStep('1.2.3', next));
});

test('it goes neither back nor over a minor or a major version', (t) => {
  for (const older of ['1.2.2', '1.1.9', '0.9.0']) {
    t.throws(() => demandStep('1.2.3', older), { code: 'CLV_CONFLICT', message: /going back/ });
  }
  for (const later of ['1.4.0', '2.0.0', '2.2.3']) {
    t.throws(() => demandStep('1.2.3', later), { code: 'CLV_CONFLICT', message: /one minor/ });
  }
});

test('of a version that was built by hand nothing is demanded', (t) => {
  t.notThrows(() => demandStep('main', '1.2.3'));
  t.notThrows(() => demandStep('1.2.3', 'main'));
});
