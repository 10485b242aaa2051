import test from 'ava';
import { createFrame } from '../../../cloverctl/output/frame.ts';

/** A terminal that remembers what was written. */
function terminal(columns: number, rows: number) {
  const chunks: string[] = [];
  return { columns, rows, write: (chunk: string) => chunks.push(chunk), chunks };
}

test('a frame is drawn over the one before, and gives the cursor back', (t) => {
  const screen = terminal(40, 10);
  const frame = createFrame(screen);
  frame.draw(['one', 'two']);
  frame.draw(['three']);
  frame.close();
  frame.close();
  t.deepEqual(screen.chunks, [
    '\u001B[?25l\rone\u001B[K\ntwo\u001B[K\n\u001B[J',
    '\r\u001B[2Athree\u001B[K\n\u001B[J',
    '\u001B[?25h',
  ]);
});

test('a frame that was never drawn writes nothing', (t) => {
  const screen = terminal(40, 10);
  createFrame(screen).close();
  t.deepEqual(screen.chunks, []);
});

test('lines that are too wide or too many are cut, so that nothing scrolls', (t) => {
  const screen = terminal(30, 4);
  createFrame(screen).draw(['x'.repeat(30), 'b', 'c', 'd']);
  t.is(
    screen.chunks[0],
    `\u001B[?25l\r${'x'.repeat(28)}…\u001B[K\nb\u001B[K\n… 2 more\u001B[K\n\u001B[J`,
  );
});

test('a terminal that does not tell its size counts as 80 by 24', (t) => {
  const screen = terminal(0, 0);
  createFrame(screen).draw(Array.from({ length: 40 }, () => 'x'.repeat(100)));
  const [drawn = ''] = screen.chunks;
  t.is(drawn.split('\n').length - 1, 23);
  t.true(drawn.includes(`\r${'x'.repeat(78)}…\u001B[K\n`));
});
