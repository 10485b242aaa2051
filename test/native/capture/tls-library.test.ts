import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

import { tlsLibraryOf } from '../../../native/capture/tls-library.ts';
import { elf, goInfo, goTable, programBits, symbolTable } from './elf.ts';

const folder = mkdtempSync(join(tmpdir(), 'clover-elf-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const mebibyte = 2 ** 20;

/** What the head cannot count stands in the first section. */
const firstSection = (file: Buffer): number => Number(file.readBigUInt64LE(40));

function written(name: string, bytes: Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

/** Bytes that this process has read with system calls. */
const read = (): number => Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);

const padding = { name: '.data', type: programBits, bytes: Buffer.alloc(16 * mebibyte) };

test.serial('a table of Go that has a function many times has it once', (t) => {
  const bytes = goTable('crypto/tls.(*Conn).Read', 1_000, 15 * mebibyte);
  const table = { name: '.gopclntab', type: programBits, bytes };
  const file = written('go', elf([goInfo, table, padding]));
  const before = read();
  t.deepEqual(tlsLibraryOf(file), { name: 'Go crypto/tls', version: '', readable: false });
  t.true(read() - before < mebibyte);
});

test.serial('of many symbol tables one is read', (t) => {
  const symbols = Array.from({ length: 50 }, () => ({
    name: '.symtab',
    type: symbolTable,
    bytes: Buffer.alloc(0),
    size: 15 * mebibyte,
  }));
  const file = written('symbols', elf([...symbols, padding]));
  const before = read();
  t.is(tlsLibraryOf(file), undefined);
  t.true(read() - before < 20 * mebibyte);
});

test.serial(
  'a file whose sections or segments are more than its head can count is not looked into',
  (t) => {
    const bytes = goTable('crypto/tls.(*Conn).Read', 1, 0);
    const sections = [goInfo, { name: '.gopclntab', type: programBits, bytes }];
    const edited = (name: string, edit: (file: Buffer) => void) =>
      tlsLibraryOf(written(name, elf(sections, edit)));
    t.is(edited('as it is', () => undefined)?.name, 'Go crypto/tls');
    const manySections = edited('sections', (file) => {
      file.writeBigUInt64LE(BigInt(file.readUInt16LE(60)), firstSection(file) + 32);
      file.writeUInt16LE(0, 60);
    });
    t.is(manySections, undefined);
    const manySegments = edited('segments', (file) => {
      file.writeUInt32LE(file.readUInt16LE(56), firstSection(file) + 44);
      file.writeUInt16LE(0xff_ff, 56);
    });
    t.is(manySegments, undefined);
  },
);
