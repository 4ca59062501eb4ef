// Writes frames by hand, for tests: rows as objects, strings as themselves.

import { crc32 } from '../../src/trace/crc';
import { TABLES } from '../../src/trace/schema';
import { allocate, missing, parseColumn } from '../../src/trace/types';

type Value = number | string | number[];
export type Row = Record<string, Value>;

export class Writer {
  sequence = 0;
  segment = 0;
  readonly strings = [''];
  readonly rows: Record<string, Row[]> = {};
  about: Record<string, unknown> = { flambeau: '0.1.0', title: 'net' };
  private sent: Record<string, number> = {};
  private sentStrings = 0;

  /** Adds a row; returns its number. */
  add(table: string, row: Row): number {
    const rows = (this.rows[table] ??= []);
    rows.push(row);
    return rows.length - 1;
  }

  /** Drops the rows of these tables, as a new segment does. */
  newSegment(tables: string[]): void {
    this.segment += 1;
    for (const table of tables) {
      this.rows[table] = [];
      this.sent[table] = 0;
    }
  }

  /** Everything from the beginning. */
  whole(): Uint8Array {
    this.sent = {};
    this.sentStrings = 0;
    return this.delta();
  }

  /** What was added since the last frame. */
  delta(): Uint8Array {
    const tables: Record<string, unknown> = {};
    const body: Uint8Array[] = [];
    for (const [name, all] of Object.entries(this.rows)) {
      const start = this.sent[name] ?? 0;
      const columns = this.columns(name, all.slice(start), body);
      tables[name] = { start, rows: all.length - start, columns };
      this.sent[name] = all.length;
    }
    const strings = this.strings.slice(this.sentStrings);
    const header = {
      version: 1,
      sequence: this.sequence++,
      segment: this.segment,
      first_string: this.sentStrings,
      strings,
      tables,
      about: this.about
    };
    this.sentStrings = this.strings.length;
    return pack(header, join(body));
  }

  private columns(table: string, rows: Row[], body: Uint8Array[]): Record<string, unknown> {
    const columns: Record<string, unknown> = {};
    for (const [key, entry] of Object.entries(TABLES[table])) {
      const { type, width } = parseColumn(entry);
      const values = allocate(type, rows.length * width).fill(missing(type));
      rows.forEach((row, i) => {
        const value = row[key] ?? (entry === 's' ? '' : missing(type));
        const numbers = Array.isArray(value) ? value : [value];
        values.set(numbers.map(v => (typeof v === 'string' ? this.intern(v) : v)), i * width);
      });
      columns[key] = [type, width, length(body)];
      body.push(padded(new Uint8Array(values.buffer)));
    }
    return columns;
  }

  private readonly interned = new Map([['', 0]]);

  private intern(text: string): number {
    let index = this.interned.get(text);
    if (index === undefined) {
      index = this.strings.push(text) - 1;
      this.interned.set(text, index);
    }
    return index;
  }
}

/** A frame of a header and a body, with lengths and checksum. */
export function pack(header: unknown, body: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const head = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(32);
  head.set(text);
  const bytes = new Uint8Array(16 + head.length + body.length);
  bytes.set(head, 16);
  bytes.set(body, 16 + head.length);
  const data = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode('FLB1'));
  data.setUint32(4, head.length, true);
  data.setUint32(8, body.length, true);
  data.setUint32(12, crc32(bytes.subarray(16)), true);
  return bytes;
}

function padded(bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(Math.ceil(bytes.length / 8) * 8);
  result.set(bytes);
  return result;
}

function length(parts: Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

function join(parts: Uint8Array[]): Uint8Array {
  const result = new Uint8Array(length(parts));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
