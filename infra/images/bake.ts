import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { compileFile, runFile } from './code-cache.ts';

// `node bake.ts FILE CODE`: runs a bundle, and writes V8's code of it when it ends.
const [file = '', code = ''] = process.argv.slice(2);
const script = compileFile(file, readFileSync(file, 'latin1'));
process.on('exit', () => writeFileSync(code, script.createCachedData()));
runFile(script, file, createRequire(file));
