import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { compileFile, runFile } from './code-cache.ts';

// `node bake.ts FILE`: runs a file of a bundle, and writes V8's code of it beside it when it ends.
const file = process.argv[2] ?? '';

// How often a function ran, and when memory was cleared, would leave traces in the code. It is refused under other flags than
// those under which it is written: so they are set back before that.
const unsteady = ['opt', 'maglev', 'sparkplug', 'flush-bytecode'];
for (const flag of unsteady) setFlagsFromString(`--no-${flag}`);

runFile(file, createRequire(file), (part) => {
  // The code has the name of its script in it: with the folder it would be other code in each folder. A copy of the name, since
  // V8 would keep a part of a string together with the whole.
  const name = Buffer.from(basename(part)).toString();
  const script = compileFile(name, readFileSync(part, 'latin1'));
  process.on('exit', () => {
    for (const flag of unsteady) setFlagsFromString(`--${flag}`);
    writeFileSync(part.replace(/cjs$/, 'code'), script.createCachedData());
  });
  return script;
});
