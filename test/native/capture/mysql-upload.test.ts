import test from 'ava';

import { segmentsOfTurns } from './conversation.ts';
import { brief, client, readDatabase, server } from './db.ts';
import { login, ok, packet, packets, query } from './mysql.ts';

test('a file of any length is stepped over, and nothing of it is told, whatever it looks like', async (t) => {
  const row = '\x03Jane Doe lives in Elm Street';
  const file = Array.from({ length: 600 }, () => row);
  const load = client(query("LOAD DATA LOCAL INFILE 'x' INTO TABLE t"));
  const turns = [
    load,
    server(packet(1, '\u00fbx')),
    client(packets(2, ...file, '')),
    server(packet(603, ok())),
    client(query('DELETE FROM b')),
    server(packet(1, ok())),
  ];
  const expected = [
    'shop | LOAD t | ok |  | LOAD DATA LOCAL INFILE ? INTO TABLE t',
    'shop | DELETE b | ok |  | DELETE FROM b',
  ];
  t.deepEqual((await readDatabase([...login(), ...turns])).spans.map(brief), expected);
  // A hole takes the packets at which the sequence wraps, or the last one.
  const cuts = [100];
  const count = segmentsOfTurns([...login(), ...turns], {
    clientIsn: 5,
    serverIsn: 9,
    cuts,
  }).length;
  for (const lost of [30, 100, 101, count - 6]) {
    const { spans } = await readDatabase([...login(), ...turns], cuts, (at) => at !== lost);
    t.deepEqual(
      spans.map(brief).map((line) => line.replace(/^- /, 'shop ')),
      expected,
      String(lost),
    );
    t.false(JSON.stringify(spans.map(({ attributes }) => attributes)).includes('Jane'));
  }
});
