import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { ExecutionContext } from 'ava';

import { createIdentity } from '../../../functions/admission/certificate.ts';
import { processLibraries } from '../../../agent/tls/process-libraries.ts';
import { createCapture } from '../../../native/capture/capture.ts';
import { tlsLibraryOf } from '../../../native/capture/tls-library.ts';
import type { Capture } from '../../../native/capture/types.ts';
import { inCgroup, makeCgroup, removeCgroups } from './cgroup.ts';
import { pod } from './conversation.ts';
import { type DecodedSpan, decodeSpans } from './otlp.ts';

/** Programs in a cgroup of their own, which is captured. */
export interface TlsBed {
  readonly capture: Capture;
  readonly cgroup: string;
  /** What the capture gave so far. */
  readonly spans: readonly DecodedSpan[];
  /** Of `localhost`, in PEM. */
  readonly keyFile: string;
  readonly certFile: string;
  /** A folder that goes with the test. */
  readonly folder: string;
  /** Starts a program in the cgroup; it ends with the test. */
  start(command: string, args: readonly string[]): ChildProcess;
  /** The same, once it has said its first word: that is the second result. */
  startAndWait(
    command: string,
    args: readonly string[],
  ): Promise<{ child: ChildProcess; said: string }>;
  /** Reads what a process encrypts, by each TLS library of it. */
  read(pid: number | undefined): void;
  /** Resolves with all spans when so many requests have been seen and none is open. */
  settled(requests: number): Promise<readonly DecodedSpan[]>;
}

const finder = processLibraries({ libraryOf: tlsLibraryOf });

/** Needs root. */
export function makeTlsBed(t: ExecutionContext): TlsBed {
  const folder = mkdtempSync(join(tmpdir(), 'clover-tls-'));
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const identity = createIdentity({ names: ['localhost'], now: Date.now(), lifetimeMs: 3_600_000 });
  writeFileSync(keyFile, identity.key);
  writeFileSync(certFile, `${identity.certificate}${identity.authority}`);
  const cgroup = makeCgroup(`clv${randomBytes(3).toString('hex')}`);
  const spans: DecodedSpan[] = [];
  const capture = createCapture({
    boot: '8899aabbccddeeff',
    ringBytes: 16 * 1024 * 1024,
    onBatch: ({ otlp }) => spans.push(...decodeSpans(otlp)),
  });
  t.teardown(async () => {
    await capture.close();
    // What the programs have started, too.
    writeFileSync(join(cgroup, 'cgroup.kill'), '1');
    rmSync(folder, { recursive: true });
    await removeCgroups(cgroup);
  });
  capture.attach(cgroup, pod);
  const start = (command: string, args: readonly string[]): ChildProcess => {
    return spawn('sh', ['-c', inCgroup(cgroup), 'sh', command, ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  };
  const read = (pid = 0): void => {
    const libraries = finder.lookInto(pid)?.libraries;
    if (libraries === undefined || libraries === 'denied') throw new Error(`no process ${pid}`);
    const readable = libraries.filter((one) => one.readable);
    t.true(readable.length > 0, `${readFileSync(`/proc/${pid}/comm`, 'utf8')} has a library`);
    for (const { path } of readable) capture.attachProcess(pid, cgroup, path);
  };
  return {
    capture,
    cgroup,
    spans,
    keyFile,
    certFile,
    folder,
    start,
    async startAndWait(command, args) {
      const child = start(command, args);
      if (child.stdout === null) throw new Error('no output');
      await once(child.stdout, 'readable');
      return { child, said: String(child.stdout.read()).trim() };
    },
    read,
    async settled(requests) {
      for (let attempt = 0; attempt < 200; attempt += 1) {
        const { seen, open } = capture.ledger().requests;
        if (seen >= requests && open === 0) break;
        await delay(25);
      }
      await capture.flush();
      return spans;
    },
  };
}

/** What spans say beside their times, their ids and what encryption changes. */
export const goldenOf = (spans: readonly DecodedSpan[], ports: readonly number[]) =>
  spans
    .filter(({ attributes }) => ports.includes(Number(attributes['server.port'])))
    .map(({ name, kind, attributes }) => {
      const {
        'clover.time_to_first_byte': _firstByte,
        'clover.hop': _hop,
        'network.peer.port': _peerPort,
        'server.port': _port,
        'tls.established': _tls,
        'url.scheme': _scheme,
        ...others
      } = attributes;
      return { name, kind, others };
    })
    .toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
