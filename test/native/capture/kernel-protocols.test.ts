import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import test from 'ava';

import { createCapture } from '../../../native/capture/capture.ts';
import { gapsOf, pod } from './conversation.ts';
import { brief, readDatabase } from './db.ts';
import { type DecodedSpan, decodeSpans } from './otlp.ts';
import { recordedTurns } from './recorded-turns.ts';
import { startTestbed, type Testbed } from './testbed.ts';
import { playTurns } from './turn-player.ts';

const player = fileURLToPath(new URL('turn-player.ts', import.meta.url));
const port = 8090;

/** Plays a recording between this process and one behind the veth. */
async function playRecording(bed: Testbed, name: string): Promise<void> {
  const args = ['netns', 'exec', bed.namespace, process.execPath, player, name, bed.address];
  const server = spawn('ip', [...args, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(server.stdout, 'data');
    for (const turns of recordedTurns(name)) {
      const socket = connect({ host: bed.address, port });
      await once(socket, 'connect');
      await playTurns(socket, turns, 'client');
      socket.end();
      await once(socket, 'close');
    }
  } finally {
    server.kill('SIGKILL');
  }
}

// Serial: one veth at a time.
for (const name of ['mysql', 'postgresql', 'redis'])
  test.serial(
    `a capture tells ${name} on whatever port, from the bytes of a real server`,
    async (t) => {
      using bed = await startTestbed();
      const spans: DecodedSpan[] = [];
      const capture = createCapture({
        boot: '8899aabbccddeeff',
        onBatch: ({ otlp }) => spans.push(...decodeSpans(otlp)),
      });
      capture.attach(bed.ifindex, pod);
      capture.setPorts([port]);
      const expected: string[] = [];
      for (const turns of recordedTurns(name))
        expected.push(...(await readDatabase(turns)).spans.map(brief));
      await playRecording(bed, name);
      for (let attempt = 0; attempt < 200; attempt++) {
        const { seen, open } = capture.ledger().requests;
        if (seen >= expected.length && open === 0) break;
        await delay(25);
      }
      await capture.flush();
      const ledger = capture.ledger();
      await capture.close();
      t.deepEqual(spans.map(brief).toSorted(), expected.toSorted());
      t.true(spans.length > 0 && spans.every(({ kind }) => kind === 2));
      t.deepEqual([ledger.wire.lost, ledger.bytes.lost, ledger.requests.lost], [{}, {}, {}]);
      t.deepEqual(gapsOf(ledger), []);
    },
  );
