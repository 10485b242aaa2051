import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { startHandover, type Handover } from '../../agent/handover.ts';
import { takePlace } from '../../agent/place.ts';
import { systemClock } from '../../functions/lib/clock.ts';
import { never } from '../../native/capture/types.ts';
import { silent, temporaryFolder } from '../functions/host/helpers.ts';
import { emptyLedger } from './helpers/memory-capture.ts';
import { eventually } from './helpers/test-agent.ts';

/** An agent without traffic: what of it the others of its node notice. */
interface Member {
  handover: Handover | undefined;
  /** Whether requests that begin from now on are its own. */
  counts: boolean;
  adopted: number;
  orphaned: boolean;
  /** What its capture says to the next one, and what it was told. */
  says: string;
  readonly heard: string[];
  /** Why its capture does not take what it is told. */
  refuses: Readonly<Record<string, number>>;
  /** It has told which requests are open, and forgotten them. */
  gave: boolean;
  retired: boolean;
}

const makeNode = async (t: ExecutionContext) => {
  const socketPath = join(await temporaryFolder(t), 'agent.sock');
  const members: Member[] = [];
  return {
    /** Resolves when it has started; until then it waits for its turn. */
    async start(member: Member = newMember()): Promise<Member & { handover: Handover }> {
      members.push(member);
      const place = await takePlace({ socketPath, clock: systemClock, log: silent });
      member.counts = place.predecessor === undefined;
      member.adopted += member.counts ? 1 : 0;
      const handover = await startHandover({
        place,
        capture: {
          setWindow: ({ untilNs, fromNs }) => {
            member.counts = fromNs !== never && untilNs === never;
          },
          handOver: () => Buffer.from(member.says),
          hold: () => void member.heard.push('hold'),
          takeOver: (state) => void member.heard.push(String(state)),
          handOverRequests: () => {
            member.gave = true;
            return Buffer.alloc(0);
          },
          takeOverRequests: () => undefined,
          ledger: () => ({
            ...emptyLedger,
            takenOver: { ...emptyLedger.takenOver, refused: member.refuses },
          }),
        },
        openTimeoutMs: 1_000,
        settled: () => true,
        onInherit: async () => {
          member.adopted += 1;
        },
        onRetired: async () => {
          member.retired = true;
        },
        onOrphaned: () => {
          member.orphaned = true;
        },
        clock: systemClock,
        log: silent,
      });
      t.teardown(() => handover.close());
      return Object.assign(member, { handover });
    },
    counting: () => members.filter(({ counts }) => counts).length,
  };
};

const newMember = (): Member => ({
  handover: undefined,
  counts: false,
  adopted: 0,
  orphaned: false,
  says: 'a state',
  heard: [],
  refuses: {},
  gave: false,
  retired: false,
});

test('the successor holds, and then hears what the one before it says', async (t) => {
  const node = await makeNode(t);
  await node.start();
  const second = await node.start();
  await eventually('the handover', () => second.handover.owns);
  t.deepEqual(second.heard, ['hold', 'a state']);
});

for (const [what, refuses, gave] of [
  ['one whose state it could not read keeps', { other_version: 1 }, false],
  ['any other one gives', { behind: 1 }, true],
] as const) {
  test(`${what} the requests that it does not wait for: who forgets them is asked by one that counts them`, async (t) => {
    const node = await makeNode(t);
    const first = await node.start();
    await node.start({ ...newMember(), refuses });
    await eventually('the end of the first', () => first.retired);
    t.is(first.gave, gave);
  });
}

test('of two that start at one time one counts, and the other one after it', async (t) => {
  const node = await makeNode(t);
  const [one, other] = await Promise.all([node.start(), node.start()]);
  t.is(node.counting(), 1);
  const [first, second] = one.adopted > 0 ? [one, other] : [other, one];
  t.is(second.adopted, 0);
  await eventually('the handover', () => second.handover.owns);
  t.false(first.handover.owns);
  t.is(node.counting(), 1);
  await first.handover.close();
  await eventually('the end of the first', () => second.adopted === 1);
});

test('a third agent waits while the first one ends: two never count, and none takes what a living one left', async (t) => {
  const node = await makeNode(t);
  const first = await node.start();
  const second = await node.start();
  await eventually('the second', () => second.handover.owns);
  const member = newMember();
  const starting = node.start(member);
  await systemClock.sleep(300);
  t.is(member.handover, undefined, 'its turn has not come');
  t.is(node.counting(), 1);
  t.is(second.adopted, 0, 'the first one lives');
  await first.handover.close();
  const third = await starting;
  t.is(second.adopted, 1);
  await eventually('the third', () => third.handover.owns);
  t.is(node.counting(), 1);
  t.is(third.adopted, 0, 'the second one lives');
  await second.handover.close();
  await eventually('the end of the second', () => third.adopted === 1);
});

test('one that is to end while the one before it does so hands over to one that waits', async (t) => {
  const node = await makeNode(t);
  const first = await node.start();
  const second = await node.start();
  await eventually('the second', () => second.handover.owns);
  const starting = node.start();
  const stopping = second.handover.beforeStop();
  await first.handover.close();
  const third = await starting;
  await stopping;
  t.true(third.handover.owns);
  t.false(second.handover.owns);
});

test('a successor that goes before it asked leaves room for another one', async (t) => {
  const node = await makeNode(t);
  const first = await node.start();
  const second = await node.start();
  await second.handover.close();
  const third = await node.start();
  await eventually('the third', () => third.handover.owns);
  t.is(node.counting(), 1);
  t.false(first.orphaned);
});

test('after a successor that took over and died, the next one counts once the first has ended', async (t) => {
  const node = await makeNode(t);
  const first = await node.start();
  const second = await node.start();
  await eventually('the second', () => second.handover.owns);
  second.counts = false;
  await second.handover.close();
  await eventually('the news', () => first.orphaned);
  const third = await node.start();
  await systemClock.sleep(200);
  t.false(third.handover.owns);
  t.is(node.counting(), 0);
  await first.handover.close();
  await eventually('the third', () => third.handover.owns && third.adopted === 1);
});

test('a folder without locks is an error that names the field', async (t) => {
  const socketPath = join(await temporaryFolder(t), 'agent.sock');
  await mkdir(`${socketPath}.next`);
  await t.throwsAsync(takePlace({ socketPath, clock: systemClock, log: silent }), {
    code: 'CLV_CONFIG_INVALID',
    message: /handoverSocket/,
  });
});
