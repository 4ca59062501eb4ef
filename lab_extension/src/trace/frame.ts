// Reads one frame (docs/trace-format.md): a message from a kernel, a .flb file, a page's data.

import { crc32 } from './crc';
import { MAGIC, VERSION } from './schema';
import { BYTES, isColumnType, TraceError, view } from './types';
import type { ColumnType, TypedArray } from './types';

export interface FrameColumn {
  type: ColumnType;
  width: number;
  values: TypedArray;
}

export interface FrameTable {
  start: number;
  rows: number;
  columns: Map<string, FrameColumn>;
}

export interface Frame {
  sequence: number;
  segment: number;
  firstString: number;
  strings: string[];
  tables: Map<string, FrameTable>;
  about: Record<string, unknown>;
}

type Json = Record<string, unknown>;

const PREFIX = 16;

/** Decodes and checks a whole frame. Throws TraceError; what it returns is safe to index. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const { headerBytes, bodyBytes } = split(bytes);
  const header = parseHeader(headerBytes);
  const version = header['version'];
  if (!isCount(version)) {
    throw new TraceError('This trace is damaged: its header has no version.');
  }
  if (version > VERSION) {
    throw new TraceError(
      `This trace has format version ${version}, this Flambeau reads up to ${VERSION}. ` +
        `A newer Flambeau can open it${writtenBy(header)}.`
    );
  }
  return {
    sequence: count(header, 'sequence'),
    segment: count(header, 'segment'),
    firstString: count(header, 'first_string'),
    strings: readStrings(header['strings']),
    tables: readTables(header['tables'], aligned(bodyBytes)),
    about: isObject(header['about']) ? header['about'] : {}
  };
}

function split(bytes: Uint8Array): { headerBytes: Uint8Array; bodyBytes: Uint8Array } {
  if (bytes.length < 4 || String.fromCharCode(...bytes.subarray(0, 4)) !== MAGIC) {
    throw new TraceError('This is not a Flambeau trace: it does not begin with "FLB1".');
  }
  if (bytes.length < PREFIX) {
    throw new TraceError(`This trace is cut off: only ${bytes.length} bytes are left.`);
  }
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = data.getUint32(4, true);
  const expected = PREFIX + headerLength + data.getUint32(8, true);
  if (bytes.length !== expected) {
    const what = bytes.length < expected ? 'is cut off' : 'has bytes after its end';
    throw new TraceError(`This trace ${what}: ${bytes.length} bytes where ${expected} belong.`);
  }
  if (crc32(bytes.subarray(PREFIX)) !== data.getUint32(12, true)) {
    throw new TraceError('This trace is damaged: its checksum (CRC-32) does not match.');
  }
  const body = PREFIX + headerLength;
  return { headerBytes: bytes.subarray(PREFIX, body), bodyBytes: bytes.subarray(body) };
}

function parseHeader(bytes: Uint8Array): Json {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new TraceError('This trace is damaged: its header is not JSON.');
  }
  if (!isObject(header)) {
    throw new TraceError('This trace is damaged: its header is not an object.');
  }
  return header;
}

function writtenBy(header: Json): string {
  const about = header['about'];
  const version = isObject(about) ? about['flambeau'] : undefined;
  return typeof version === 'string' ? ` (it was written by ${version.slice(0, 40)})` : '';
}

function readStrings(strings: unknown): string[] {
  if (!Array.isArray(strings) || !strings.every(s => typeof s === 'string')) {
    throw new TraceError('This trace is damaged: its strings are not a list of strings.');
  }
  return strings;
}

function readTables(tables: unknown, body: Uint8Array): Map<string, FrameTable> {
  if (!isObject(tables)) {
    throw new TraceError('This trace is damaged: its header lists no tables.');
  }
  return new Map(Object.entries(tables).map(([name, t]) => [name, readTable(name, t, body)]));
}

function readTable(name: string, table: unknown, body: Uint8Array): FrameTable {
  if (!isObject(table) || !isObject(table['columns'])) {
    throw new TraceError(`This trace is damaged: table "${name}" has no columns.`);
  }
  const rows = count(table, 'rows');
  const columns = new Map<string, FrameColumn>();
  for (const [key, entry] of Object.entries(table['columns'])) {
    columns.set(key, readColumn(`${name}.${key}`, entry, rows, body));
  }
  if (rows > 0 && columns.size === 0) {
    throw new TraceError(`This trace is damaged: table "${name}" has rows but no columns.`);
  }
  return { start: count(table, 'start'), rows, columns };
}

function readColumn(name: string, entry: unknown, rows: number, body: Uint8Array): FrameColumn {
  const [type, width, offset] = Array.isArray(entry) ? (entry as unknown[]) : [];
  if (!isColumnType(type) || !isCount(width) || width < 1 || !isCount(offset)) {
    throw new TraceError(`This trace is damaged: column "${name}" is not described.`);
  }
  const length = rows * width;
  const misplaced = offset % 8 !== 0 || offset + length * BYTES[type] > body.length;
  if (misplaced) {
    throw new TraceError(`This trace is damaged: column "${name}" lies outside the file.`);
  }
  return { type, width, values: view(type, body.buffer, body.byteOffset + offset, length) };
}

/** Typed arrays need aligned memory; a message's buffer may begin anywhere. */
function aligned(body: Uint8Array): Uint8Array {
  return body.byteOffset % 8 === 0 ? body : body.slice();
}

function count(from: Json, key: string): number {
  const value = from[key];
  if (!isCount(value)) {
    throw new TraceError(`This trace is damaged: "${key}" is not a count.`);
  }
  return value;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
