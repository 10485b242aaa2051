import { dirname, join } from 'node:path';
import { Script } from 'node:vm';

const head = '(function(exports,require,module,__filename,__dirname){';

/** The file beside a bundle that it loads only where telemetry is asked for. */
export const lateFile = 'telemetry.cjs';

/**
 * Compiles a CommonJS file as Node does, from V8's code where that is of the same file and the same V8. Node's own compile cache
 * has only what V8 compiles before anything runs; with this one, made by `createCachedData` at the end of a run, all that this run
 * called is there: a fifth of a cold start.
 * @param text of the file; Latin-1, as esbuild writes it.
 */
export function compileFile(file: string, text: string, code?: Buffer): Script {
  return new Script(`${head}${text}\n})`, {
    filename: file,
    columnOffset: -head.length,
    ...(code === undefined ? {} : { cachedData: code }),
  });
}

/** Runs `file`, and {@link lateFile} beside it when it asks for that: both as `compile` makes them. */
export function runFile(
  file: string,
  require: (id: string) => unknown,
  compile: (file: string) => Script,
): unknown {
  const folder = dirname(file);
  const module = { exports: {} };
  let late: unknown;
  const load = (id: string): unknown =>
    id === `./${lateFile}`
      ? (late ??= runFile(join(folder, lateFile), require, compile))
      : require(id);
  const run: unknown = compile(file).runInThisContext();
  if (typeof run !== 'function') throw new TypeError(`${file} is no CommonJS file`);
  Reflect.apply(run, undefined, [module.exports, load, module, file, folder]);
  return module.exports;
}
