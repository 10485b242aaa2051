import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

import { tlsLibraryOf } from '../../../native/capture/tls-library.ts';

const folder = mkdtempSync(join(tmpdir(), 'clover-elf-'));
test.after.always(() => rmSync(folder, { recursive: true }));

const mebibyte = 2 ** 20;
const [programBits, symbolTable] = [1, 2];
const [head, sectionHead] = [64, 64];

interface Section {
  readonly name: string;
  readonly type: number;
  readonly bytes: Buffer;
  /** Says that it is so long, from its beginning on. */
  readonly size?: number;
}

/** An ELF file of x86-64 that is loaded as a whole, at 0; see elf(5). */
function elf(sections: readonly Section[], edit = (_file: Buffer): void => undefined): Buffer {
  const names = Buffer.from(`\0${sections.map(({ name }) => name).join('\0')}\0.shstrtab\0`);
  const all = [...sections, { name: '.shstrtab', type: 3, bytes: names, size: undefined }];
  const offsets = all.map((_, at) =>
    all.slice(0, at).reduce((sum, { bytes }) => sum + bytes.length, head + 56),
  );
  const tableAt = (offsets.at(-1) ?? 0) + names.length;
  const file = Buffer.alloc(tableAt + sectionHead * (all.length + 1));
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt32LE(0x3e_00_02, 16);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(head), 32);
  file.writeBigUInt64LE(BigInt(tableAt), 40);
  [head, 56, 1, sectionHead, all.length + 1, all.length].forEach((value, at) =>
    file.writeUInt16LE(value, 52 + 2 * at),
  );
  file.writeUInt32LE(1, head);
  file.writeBigUInt64LE(BigInt(file.length), head + 32);
  for (const [at, { name, type, bytes, size }] of all.entries()) {
    const [offset, entry] = [offsets[at] ?? 0, tableAt + sectionHead * (at + 1)];
    file.set(bytes, offset);
    file.writeUInt32LE(names.indexOf(`\0${name}\0`) + 1, entry);
    file.writeUInt32LE(type, entry + 4);
    file.writeBigUInt64LE(BigInt(offset), entry + 24);
    file.writeBigUInt64LE(BigInt(size ?? bytes.length), entry + 32);
    file.writeUInt32LE(all.length, entry + 40);
    file.writeBigUInt64LE(24n, entry + 56);
  }
  edit(file);
  return file;
}

/** A table of Go 1.20 whose functions have all one name, and are so long; see runtime/symtab.go. */
function goTable(name: string, count: number, size: number): Buffer {
  const rows = 72;
  const names = rows + (count + 1) * 8 + 8;
  const table = Buffer.alloc(names + name.length + 1);
  table.writeUInt32LE(0xff_ff_ff_f1, 0);
  table[7] = 8;
  const field = (at: number, value: number): number =>
    table.writeBigUInt64LE(BigInt(value), 8 + at * 8);
  field(0, count);
  field(3, names);
  field(7, rows);
  for (let row = 0; row <= count; row += 1) {
    table.writeUInt32LE((row % 2) * size, rows + row * 8);
    table.writeUInt32LE((count + 1) * 8, rows + row * 8 + 4);
  }
  table.write(name, names);
  return table;
}

/** What the head cannot count stands in the first section. */
const firstSection = (file: Buffer): number => Number(file.readBigUInt64LE(40));

function written(name: string, bytes: Buffer): string {
  const file = join(folder, name);
  writeFileSync(file, bytes);
  return file;
}

/** Bytes that this process has read with system calls. */
const read = (): number => Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);

const goInfo = { name: '.go.buildinfo', type: programBits, bytes: Buffer.alloc(8) };
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
