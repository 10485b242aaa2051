/** Types of sections (elf(5)): SHT_PROGBITS, SHT_SYMTAB. */
export const [programBits, symbolTable] = [1, 2] as const;
const [head, sectionHead] = [64, 64];

/** What a file has beside its head. */
export interface Section {
  readonly name: string;
  readonly type: number;
  readonly bytes: Buffer;
  /** Says that it is so long, from its beginning on. */
  readonly size?: number;
}

/** An ELF file of x86-64 that is loaded as a whole, at 0; see elf(5). */
export function elf(
  sections: readonly Section[],
  edit = (_file: Buffer): void => undefined,
): Buffer {
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
export function goTable(name: string, count: number, size: number): Buffer {
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

/** By which a program of Go is known. */
export const goInfo: Section = { name: '.go.buildinfo', type: programBits, bytes: Buffer.alloc(8) };
