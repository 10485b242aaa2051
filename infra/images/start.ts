import { readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { compileFile, runFile } from './code-cache.ts';

// Beside each bundle as `start.cjs`: runs it with its code.
declare const __bundle: string;
const file = join(__dirname, `${__bundle}.cjs`);
const code = readFileSync(join(__dirname, `${__bundle}.code`));
// For `telemetry.cjs`, which Node loads; a start without it is faster without the cache.
if (Object.keys(process.env).some((name) => name.startsWith('OTEL_'))) {
  enableCompileCache(join(__dirname, 'cache'));
}
runFile(compileFile(file, readFileSync(file, 'latin1'), code), file, require);
