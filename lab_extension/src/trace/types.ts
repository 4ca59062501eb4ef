// Column types of the format and the arrays that hold them.

export type TypedArray =
  | Uint8Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

export type ColumnType = 'u1' | 'u4' | 'i4' | 'f4' | 'f8';

export const BYTES: Record<ColumnType, number> = { u1: 1, u4: 4, i4: 4, f4: 4, f8: 8 };

/** A trace, frame or message that cannot be read; the message is written for the user. */
export class TraceError extends Error {
  override name = 'TraceError';
}

export function isColumnType(type: unknown): type is ColumnType {
  return typeof type === 'string' && Object.hasOwn(BYTES, type);
}

/** What a value is taken to be when a writer left its column out. */
export function missing(type: ColumnType): number {
  return type === 'i4' ? -1 : type === 'f4' || type === 'f8' ? NaN : 0;
}

export function allocate(type: ColumnType, length: number): TypedArray {
  switch (type) {
    case 'u1':
      return new Uint8Array(length);
    case 'u4':
      return new Uint32Array(length);
    case 'i4':
      return new Int32Array(length);
    case 'f4':
      return new Float32Array(length);
    case 'f8':
      return new Float64Array(length);
  }
}

/** A typed view on `length` values at `offset` bytes of `buffer`; the offset must be aligned. */
export function view(
  type: ColumnType,
  buffer: ArrayBufferLike,
  offset: number,
  length: number
): TypedArray {
  switch (type) {
    case 'u1':
      return new Uint8Array(buffer, offset, length);
    case 'u4':
      return new Uint32Array(buffer, offset, length);
    case 'i4':
      return new Int32Array(buffer, offset, length);
    case 'f4':
      return new Float32Array(buffer, offset, length);
    case 'f8':
      return new Float64Array(buffer, offset, length);
  }
}

/** Reads a schema entry such as `f4*32`: its column type and how many values a row has. */
export function parseColumn(entry: string): { type: ColumnType; width: number } {
  const [name, width] = entry.split('*');
  return { type: (name === 's' ? 'u4' : name) as ColumnType, width: Number(width ?? 1) };
}
