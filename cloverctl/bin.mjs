#!/usr/bin/env node
/// <reference types="node" />
// Runs cloverctl on Node 24 or newer: the running one, or the one that npm installed beside it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const oldestMajor = 24;

// The order of cloverctl, too; of both together Node would warn on standard error.
if (process.env['NO_COLOR']) delete process.env['FORCE_COLOR'];

if (Number(process.versions.node.split('.')[0]) >= oldestMajor) {
  await import('./main.ts');
} else {
  const pinned = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));
  if (!existsSync(pinned)) {
    process.stderr.write(
      `error: cloverctl needs Node ${oldestMajor}, and this is ${process.version}; run "npm ci" in its folder first\n`,
    );
    process.exit(1);
  }
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal));
  }
  child.on('error', (error) => {
    process.stderr.write(`error: ${pinned} does not start: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]);
  });
}
