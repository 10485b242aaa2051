/** One line of a scenario that does something, with what hangs on it. */
export interface Step {
  /** Without its keyword: `parsed as HTTP request`. */
  readonly text: string;
  /** The text between `"""`, without the indentation of the first of them. */
  readonly document?: string;
  /** Cells by row, the first of which has the names. */
  readonly table?: readonly (readonly string[])[];
}

/** What is tried, with the steps of the background in front. */
export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

interface OpenStep {
  text: string;
  document?: string;
  table?: string[][];
}

interface Block {
  readonly kind: 'background' | 'examples' | 'scenario';
  readonly name: string;
  readonly steps: OpenStep[];
  readonly examples: string[][];
}

const headings =
  /^(Background|Examples|Scenarios|Scenario|Scenario Outline|Scenario Template|Example):(.*)$/;
const stepLine = /^(?:Given|When|Then|And|But|\*)\s+(.*)$/;

/**
 * Reads a feature in Gherkin: backgrounds, scenarios and outlines with their examples, texts and tables. Tags, comments and
 * descriptions are passed over.
 * @throws SyntaxError naming the line of what it does not know.
 */
export function readFeature(text: string): readonly Scenario[] {
  const lines = text.split(/\r?\n/);
  const background: OpenStep[] = [];
  const scenarios: Block[] = [];
  let block: Block | undefined;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at]?.trim() ?? '';
    const [, heading, name = ''] = headings.exec(line) ?? [];
    const step = stepLine.exec(line)?.[1];
    if (heading !== undefined) {
      block = blockOf(heading, name.trim(), { background, outline: scenarios.at(-1) });
      if (block.kind === 'scenario') scenarios.push(block);
    } else if (block === undefined || line === '' || /^[#@]/.test(line)) continue;
    else if (step !== undefined && block.kind !== 'examples') block.steps.push({ text: step });
    else if (line.startsWith('|')) rowsOf(block).push(cellsOf(line));
    else if (line.startsWith('"""')) at = readDocument(lines, at, lastStep(block));
    else if (block.steps.length > 0) throw new SyntaxError(`line ${at + 1}: ${line}`);
  }
  return scenarios.flatMap((scenario) => expand(scenario, background));
}

function blockOf(
  heading: string,
  name: string,
  { background, outline }: { background: OpenStep[]; outline: Block | undefined },
): Block {
  if (heading === 'Background')
    return { kind: 'background', name, steps: background, examples: [] };
  const isExamples = heading === 'Examples' || heading === 'Scenarios';
  if (isExamples && outline !== undefined) return { ...outline, kind: 'examples' };
  return { kind: 'scenario', name, steps: [], examples: [] };
}

function lastStep({ steps }: Block): OpenStep {
  const step = steps.at(-1);
  if (step === undefined) throw new SyntaxError('a text or a table without a step');
  return step;
}

function rowsOf(block: Block): string[][] {
  if (block.kind === 'examples') return block.examples;
  return (lastStep(block).table ??= []);
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** The line at which the text ends. */
function readDocument(lines: readonly string[], start: number, step: OpenStep): number {
  const indentation = /^\s*/.exec(lines[start] ?? '')?.[0].length ?? 0;
  const end = lines.findIndex((line, at) => at > start && line.trim() === '"""');
  if (end === -1) throw new SyntaxError(`line ${start + 1}: the text has no end`);
  step.document = lines
    .slice(start + 1, end)
    .map((line) => (line.slice(0, indentation).trim() === '' ? line.slice(indentation) : line))
    .join('\n');
  return end;
}

/** A scenario for each example: `<name>` stands for the value of the column. */
function expand({ name, steps, examples }: Block, background: readonly OpenStep[]): Scenario[] {
  const [columns = [], ...rows] = examples;
  const all = [...background, ...steps];
  if (rows.length === 0) return [{ name, steps: all }];
  return rows.map((row) => {
    const fill = (text: string): string =>
      columns.reduce((filled, column, at) => filled.replaceAll(`<${column}>`, row[at] ?? ''), text);
    return {
      name: fill(name),
      steps: all.map((step) => fillIn(step, fill)),
    };
  });
}

function fillIn({ text, document, table }: Step, fill: (text: string) => string): Step {
  return {
    text: fill(text),
    ...(document === undefined ? {} : { document: fill(document) }),
    ...(table === undefined ? {} : { table: table.map((cells) => cells.map(fill)) }),
  };
}
