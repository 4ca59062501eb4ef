// A trace in memory: the tables of docs/trace-format.md, fed by frames.

import { decodeFrame } from './frame';
import type { Frame } from './frame';
import { RUNNING_TABLES, TABLES } from './schema';
import { Table } from './table';
import type { TypedArray } from './types';

export { TraceError } from './types';
export type { TypedArray } from './types';

export class Trace {
  /** Which segment the segment tables belong to. */
  segment = -1;
  /** Grows at each applied frame. */
  version = 0;
  /** Grows when rows were dropped: what was derived from row numbers is then void. */
  epoch = 0;
  about: Record<string, unknown> = {};

  private tables = new Map(Object.keys(TABLES).map(name => [name, emptyTable(name)]));
  private strings: string[] = [];
  private sequence = -1;
  private readonly listeners = new Set<() => void>();

  /** Takes in a frame. False: it does not continue this trace, so a resync is needed.
   *  Throws TraceError when it is malformed. In both cases nothing has changed. */
  apply(bytes: Uint8Array): boolean {
    const frame = decodeFrame(bytes);
    const whole = isWhole(frame);
    if (!whole && !this.continues(frame)) {
      return false;
    }
    for (const [name, table] of frame.tables) {
      this.tables.get(name)?.check(table);
    }
    this.drop(frame, whole);
    for (const [name, table] of frame.tables) {
      this.tables.get(name)?.append(table);
    }
    this.strings = whole ? frame.strings : this.strings.concat(frame.strings);
    this.about = { ...this.about, ...frame.about };
    this.sequence = frame.sequence;
    this.segment = frame.segment;
    this.version += 1;
    this.listeners.forEach(listener => listener());
    return true;
  }

  rows(table: string): number {
    return this.tables.get(table)?.rows ?? 0;
  }

  /** The values of a column, `width` for each row; valid until the next frame. */
  column(table: string, name: string): TypedArray {
    const found = this.tables.get(table);
    if (!found) {
      throw new Error(`a trace has no table "${table}"`);
    }
    return found.values(name);
  }

  /** A string of the string table; '' for an index that is not in it. */
  text(index: number | undefined): string {
    return (index !== undefined && this.strings[index]) || '';
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private continues(frame: Frame): boolean {
    const inOrder = frame.sequence === this.sequence + 1 && this.sequence >= 0;
    if (!inOrder || frame.firstString !== this.strings.length) {
      return false;
    }
    const anew = frame.segment !== this.segment;
    return [...frame.tables].every(([name, table]) => {
      const own = this.tables.get(name);
      return !own || table.start === (anew && !isRunning(name) ? 0 : own.rows);
    });
  }

  /** Forgets what the frame replaces: all of it, or the last segment. */
  private drop(frame: Frame, whole: boolean): void {
    if (!whole && frame.segment === this.segment) {
      return;
    }
    for (const name of this.tables.keys()) {
      if (whole || !isRunning(name)) {
        this.tables.set(name, emptyTable(name));
      }
    }
    this.about = whole ? {} : this.about;
    this.epoch += 1;
  }
}

/** Whether the frame says everything from the beginning. Only then does it bring string 0. */
function isWhole(frame: Frame): boolean {
  return frame.firstString === 0 && [...frame.tables.values()].every(t => t.start === 0);
}

function isRunning(name: string): boolean {
  return Object.hasOwn(RUNNING_TABLES, name);
}

function emptyTable(name: string): Table {
  return new Table(name, TABLES[name]);
}
