/** One line of a scrape. */
export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A family of a scrape. */
export interface ParsedFamily {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: readonly ParsedSample[];
}

const head = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/;
const typed = /^# TYPE (\S+) (counter|gauge|histogram)$/;
const line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{([^\n]*)\})? (\S+)$/;
const pair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,|$)/y;

/**
 * Reads Prometheus' text format 0.0.4 and takes nothing that is only nearly it: a family has HELP, TYPE and samples in one
 * group, series are unique, histograms are whole and cumulative, counters end in `_total` and are not negative.
 */
export function parsePrometheus(text: string): ReadonlyMap<string, ParsedFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, ParsedFamily & { samples: ParsedSample[] }>();
  let current: (ParsedFamily & { samples: ParsedSample[] }) | undefined;
  let pending: { name: string; help: string } | undefined;
  const seen = new Set<string>();
  for (const row of text.slice(0, -1).split('\n')) {
    const [, named, help] = head.exec(row) ?? [];
    const [, ofName, type] = typed.exec(row) ?? [];
    if (named !== undefined && help !== undefined) {
      if (families.has(named)) throw new Error(`${named} has two groups`);
      pending = { name: named, help };
    } else if (ofName !== undefined && type !== undefined) {
      if (pending?.name !== ofName) throw new Error(`TYPE without HELP: ${row}`);
      current = { ...pending, type, samples: [] };
      families.set(ofName, current);
    } else {
      const sample = parseSample(row);
      const key = seriesKey(sample);
      if (seen.has(key)) throw new Error(`twice: ${row}`);
      seen.add(key);
      const suffix = current?.type === 'histogram' ? '(_bucket|_sum|_count)' : '';
      const fits =
        current !== undefined && new RegExp(`^${current.name}${suffix}$`).test(sample.name);
      if (!fits) throw new Error(`not in its group: ${row}`);
      current?.samples.push(sample);
    }
  }
  for (const family of families.values()) check(family);
  return families;
}

function parseSample(row: string): ParsedSample {
  const [, name, labelText = '', number] = line.exec(row) ?? [];
  if (name === undefined || number === undefined) throw new Error(`not a sample: ${row}`);
  const labels: Record<string, string> = {};
  pair.lastIndex = 0;
  while (pair.lastIndex < labelText.length) {
    const [, key, value] = pair.exec(labelText) ?? [];
    if (key === undefined || value === undefined) throw new Error(`bad labels: ${row}`);
    if (Object.hasOwn(labels, key)) throw new Error(`label twice: ${row}`);
    labels[key] = value.replaceAll(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one));
  }
  const words: Readonly<Record<string, number>> = { '+Inf': Infinity, '-Inf': -Infinity, NaN };
  const value = words[number] ?? Number(number);
  if (Number.isNaN(value) && number !== 'NaN') throw new Error(`not a number: ${row}`);
  return { name, labels, value };
}

function check({ name, type, samples }: ParsedFamily): void {
  if (samples.length === 0) throw new Error(`${name} is empty`);
  if (type === 'counter') {
    if (!name.endsWith('_total')) throw new Error(`${name} is a counter without _total`);
    if (samples.some(({ value }) => !(value >= 0))) throw new Error(`${name} is negative`);
  }
  if (type !== 'histogram') return;
  const series = Map.groupBy(samples, ({ labels }) => JSON.stringify({ ...labels, le: '' }));
  for (const own of series.values()) {
    const buckets = own.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) =>
      labels['le'] === '+Inf' ? Infinity : Number(labels['le']),
    );
    const counts = buckets.map(({ value }) => value);
    const count = own.find((sample) => sample.name === `${name}_count`)?.value;
    if (bounds.at(-1) !== Infinity || !rises(bounds) || !rises(counts) || counts.at(-1) !== count)
      throw new Error(`${name} is not a whole histogram`);
    if (!own.some((sample) => sample.name === `${name}_sum`)) throw new Error(`${name} has no sum`);
  }
}

function rises(list: readonly number[]): boolean {
  return list.every((value, index) => index === 0 || value >= (list[index - 1] ?? 0));
}

function seriesKey({ name, labels }: ParsedSample): string {
  const sorted = Object.keys(labels).toSorted((a, b) => (a < b ? -1 : 1));
  return JSON.stringify([name, sorted.map((label) => [label, labels[label]])]);
}
