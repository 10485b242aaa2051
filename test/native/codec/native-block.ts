/** A value of a Native column as this reader gives it. */
export type Cell = string | bigint | Buffer | readonly Cell[] | ReadonlyMap<string, string>;

function asText(cell: Cell | undefined): string {
  if (typeof cell !== 'string') throw new TypeError('not a string');
  return cell;
}

/** Reads one ClickHouse Native block of the types that the codec writes, row by row. */
export function readNativeBlock(block: Buffer): {
  readonly rows: readonly Readonly<Record<string, Cell>>[];
  readonly end: number;
} {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = block.readUInt8(at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const take = (size: number): Buffer => {
    if (at + size > block.length) throw new RangeError('block is too short');
    return block.subarray(at, (at += size));
  };
  const repeat = (count: number, read: () => Cell): Cell[] => Array.from({ length: count }, read);

  const column = (type: string, count: number): Cell[] => {
    const array = /^Array\((.*)\)$/.exec(type)?.[1];
    if (array !== undefined || type === 'Map(String, String)') {
      const ends = repeat(count, () => take(8).readBigUInt64LE()).map(Number);
      const total = ends.at(-1) ?? 0;
      const slice = (cells: readonly Cell[], i: number): Cell[] =>
        cells.slice(ends[i - 1] ?? 0, ends[i]);
      if (array !== undefined) {
        const items = column(array, total);
        return ends.map((_, i) => slice(items, i));
      }
      const keys = column('String', total);
      const values = column('String', total);
      return ends.map((_, i) => {
        const ours = slice(values, i);
        return new Map(slice(keys, i).map((key, j) => [asText(key), asText(ours[j])]));
      });
    }
    const fixed = /^FixedString\((\d+)\)$/.exec(type)?.[1];
    if (fixed !== undefined) return repeat(count, () => take(Number(fixed)));
    if (type === 'String') return repeat(count, () => take(varint()).toString('utf8'));
    if (type.startsWith('DateTime64')) return repeat(count, () => take(8).readBigInt64LE());
    if (type.startsWith('Enum8') || type === 'UInt8')
      return repeat(count, () => BigInt(take(1).readUInt8()));
    if (type === 'UInt16') return repeat(count, () => BigInt(take(2).readUInt16LE()));
    if (type === 'UInt32') return repeat(count, () => BigInt(take(4).readUInt32LE()));
    if (type === 'UInt64') return repeat(count, () => take(8).readBigUInt64LE());
    throw new TypeError(`type ${type} is not known here`);
  };

  const columns = varint();
  const count = varint();
  const rows: Record<string, Cell>[] = Array.from({ length: count }, () => ({}));
  for (let i = 0; i < columns; i++) {
    const name = take(varint()).toString('utf8');
    const type = take(varint()).toString('utf8');
    column(type, count).forEach((cell, row) => {
      const into = rows[row];
      if (into !== undefined) into[name] = cell;
    });
  }
  return { rows, end: at };
}
