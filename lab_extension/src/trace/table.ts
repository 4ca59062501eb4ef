// One table of a trace: columns that grow at their end.

import { allocate, missing, parseColumn, TraceError } from './types';
import type { ColumnType, TypedArray } from './types';
import type { FrameTable } from './frame';

class Column {
  readonly type: ColumnType;
  readonly width: number;
  private data: TypedArray | null = null;
  private view: TypedArray | null = null;

  constructor(entry: string) {
    const { type, width } = parseColumn(entry);
    this.type = type;
    this.width = width;
  }

  /** Adds the values of rows `from` to `to`; null: the writer left the column out. */
  append(values: TypedArray | null, from: number, to: number): void {
    if (!values && !this.data) {
      return; // stays unallocated until somebody reads it
    }
    const data = this.reserve(from, to);
    if (values) {
      data.set(values, from * this.width);
    } else {
      data.fill(missing(this.type), from * this.width, to * this.width);
    }
  }

  /** Views are asked for in inner loops, so the last one is kept. */
  values(rows: number): TypedArray {
    const data = this.reserve(0, rows);
    if (this.view?.buffer !== data.buffer || this.view.length !== rows * this.width) {
      this.view = data.subarray(0, rows * this.width);
    }
    return this.view;
  }

  private reserve(filled: number, rows: number): TypedArray {
    const need = rows * this.width;
    const old = this.data;
    if (old && old.length >= need) {
      return old;
    }
    const data = allocate(this.type, old ? Math.max(need, old.length * 2) : need);
    if (old) {
      data.set(old);
    } else {
      data.fill(missing(this.type), 0, (filled || rows) * this.width);
    }
    this.data = data;
    return data;
  }
}

export class Table {
  rows = 0;
  private readonly columns = new Map<string, Column>();

  constructor(
    private readonly name: string,
    schema: Record<string, string>
  ) {
    for (const [key, entry] of Object.entries(schema)) {
      this.columns.set(key, new Column(entry));
    }
  }

  /** Throws when a column that both sides know has another type; changes nothing. */
  check(frame: FrameTable): void {
    for (const [key, column] of this.columns) {
      const given = frame.columns.get(key);
      if (given && (given.type !== column.type || given.width !== column.width)) {
        const [is, should] = [given, column].map(c => `${c.type}*${c.width}`);
        const where = `column "${this.name}.${key}"`;
        throw new TraceError(`This trace is damaged: ${where} is ${is}, not ${should}.`);
      }
    }
  }

  append(frame: FrameTable): void {
    const to = this.rows + frame.rows;
    for (const [key, column] of this.columns) {
      column.append(frame.columns.get(key)?.values ?? null, this.rows, to);
    }
    this.rows = to;
  }

  values(key: string): TypedArray {
    const column = this.columns.get(key);
    if (!column) {
      throw new Error(`table "${this.name}" has no column "${key}"`);
    }
    return column.values(this.rows);
  }
}
