import test from 'ava';
import {
  createLineScreen,
  createLiveScreen,
  type Terminal,
} from '../../../cloverctl/demo/screen.ts';

/** A terminal of 40 × 10 that remembers what was written. */
function terminal(): { stream: Terminal; text: () => string } {
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

test('a live line that is wider than the terminal is cut, so that it never wraps', (t) => {
  const { stream, text } = terminal();
  createLiveScreen(stream).live(['x'.repeat(100)]);
  t.is(text().length, 40);
});
