import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileFile, runFile } from './code-cache.ts';

// Beside each bundle as `start.cjs`: runs it with V8's code of it, and without where there is none.
declare const bundleName: string;
runFile(join(__dirname, `${bundleName}.cjs`), require, (file) => {
  const code = file.replace(/cjs$/, 'code');
  const script = compileFile(
    file,
    readFileSync(file, 'latin1'),
    existsSync(code) ? readFileSync(code) : undefined,
  );
  if (script.cachedDataRejected === true) {
    process.emitWarning(
      `${code} is of another V8, other flags or another bundle: this start compiles anew`,
    );
  }
  return script;
});
