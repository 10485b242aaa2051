// Tells on stderr, line by line, which modules a program loads: node --import loaded-modules.ts PROGRAM.
import { registerHooks } from 'node:module';
import process from 'node:process';

const urls = new Set<string>();
registerHooks({
  load(url, context, next) {
    urls.add(url);
    return next(url, context);
  },
});
process.once('exit', () => process.stderr.write(`${[...urls].join('\n')}\n`));
