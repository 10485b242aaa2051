import test from 'ava';
import { leaveOut } from './leave-out.ts';

test('a reason leaves tests out, but not in a run that may leave out nothing', (t) => {
  const nothing = { CLOVER_LEAVE_OUT: 'nothing' };
  t.is(leaveOut('it is not built', {}), 'it is not built');
  t.throws(() => leaveOut('it is not built', nothing), { message: 'it is not built' });
  t.is(leaveOut(undefined, nothing), undefined);
});

test('this is such a run', (t) => {
  t.throws(() => leaveOut('it is not built'));
});
