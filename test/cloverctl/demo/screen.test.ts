import test from 'ava';
import fc from 'fast-check';
import {
  createLineScreen,
  createLiveScreen,
  wrap,
  type Terminal,
} from '../../../cloverctl/demo/screen.ts';

/** A terminal of 40 × 10 that remembers what was written, and can be made narrower. */
function terminal(): { stream: Terminal & { columns: number }; text: () => string } {
  const chunks: string[] = [];
  return {
    stream: { columns: 40, rows: 10, write: (chunk) => chunks.push(chunk) },
    text: () => chunks.join(''),
  };
}

test('a pipe gets one line per step and fact, and no live figures', (t) => {
  const lines: string[] = [];
  const screen = createLineScreen((line) => lines.push(line));
  screen.step('Deploy');
  screen.live(['never']);
  screen.note('fact');
  screen.block(['a', 'b']);
  screen.step('See');
  screen.close();
  t.deepEqual(lines, ['[1] Deploy', '    fact', '    a', '    b', '[2] See']);
});

test('a terminal redraws the live lines in place and keeps facts above them', (t) => {
  const { stream, text } = terminal();
  const screen = createLiveScreen(stream);
  screen.live(['one', 'two']);
  screen.live(['three']);
  screen.note('kept');
  screen.close();
  t.is(
    text(),
    '    one\n    two\n\u001B[2A\u001B[0J    three\n\u001B[1A\u001B[0J    kept\n    three\n\u001B[1A\u001B[0J',
  );
});

test('a line that is wider than the terminal is broken between words, and erased whole', (t) => {
  const { stream, text } = terminal();
  const screen = createLiveScreen(stream);
  screen.live(['judged 1555 + 1645 requests; latency +4.8 %']);
  screen.close();
  t.is(text(), '    judged 1555 + 1645 requests;\n      latency +4.8 %\n\u001B[2A\u001B[0J');
});

test('what a terminal has folded by becoming narrower is erased whole', (t) => {
  const { stream, text } = terminal();
  const screen = createLiveScreen(stream);
  screen.live(['x'.repeat(30), '']);
  stream.columns = 20;
  screen.close();
  t.true(text().endsWith('\u001B[3A\u001B[0J'));
});

test('no row of a broken line is wider than the terminal, and no word is lost', (t) => {
  fc.assert(
    fc.property(fc.lorem({ maxCount: 30 }), fc.integer({ min: 20, max: 80 }), (line, width) => {
      const rows = wrap(line, width);
      t.true(rows.every(({ length }) => length <= width));
      t.is(rows.map((row) => row.trim()).join(' '), line);
    }),
  );
  t.deepEqual(wrap('x'.repeat(45), 20), [
    'x'.repeat(20),
    `      ${'x'.repeat(14)}`,
    `      ${'x'.repeat(11)}`,
  ]);
});
