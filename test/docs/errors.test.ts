import { readFile } from 'node:fs/promises';
import test from 'ava';
import { errorStatus } from '../../functions/lib/errors.ts';

interface Row {
  readonly code: string;
  readonly status: number;
  readonly meaning: string;
  readonly fix: string;
}

async function documented(): Promise<Row[]> {
  const text = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  return text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [, code = '', status = '', meaning = '', fix = ''] = line
        .split('|')
        .map((cell) => cell.trim());
      return { code: code.replaceAll('`', ''), status: Number(status), meaning, fix };
    });
}

test('docs/errors.md lists exactly the codes that there are, with their statuses, in order', async (t) => {
  const rows = await documented();
  const inCode = Object.entries(errorStatus).map(([code, status]) => `${code} ${status}`);
  t.deepEqual(
    rows.map(({ code, status }) => `${code} ${status}`),
    inCode,
  );
  t.deepEqual(inCode, inCode.toSorted());
});

test('every code has a meaning and a way out, in sentences', async (t) => {
  for (const { code, meaning, fix } of await documented()) {
    t.regex(meaning, /^[A-Z].{15,}\.$/, code);
    t.regex(fix, /^[A-Z].{10,}\.$/, code);
  }
});
