// Indexes over a trace's tables, made when first asked for and kept until the next frame.

import type { Trace, TypedArray } from './trace';

/** Row numbers grouped by a key column: the rows of key k are `items[start[k] .. start[k+1]]`. */
export class Groups {
  readonly start: Int32Array;
  readonly items: Int32Array;

  /** Rows whose key is not in 0 … count-1 (dangling, or "none") are left out. */
  constructor(keys: TypedArray, count: number) {
    this.start = new Int32Array(count + 1);
    for (const key of keys) {
      if (key >= 0 && key < count) {
        this.start[key + 1] += 1;
      }
    }
    for (let k = 0; k < count; k++) {
      this.start[k + 1] += this.start[k];
    }
    this.items = new Int32Array(this.start[count]);
    const next = this.start.slice();
    keys.forEach((key, row) => {
      if (key >= 0 && key < count) {
        this.items[next[key]++] = row;
      }
    });
  }

  of(key: number): Int32Array {
    if (!(key >= 0 && key < this.start.length - 1)) {
      return this.items.subarray(0, 0);
    }
    return this.items.subarray(this.start[key], this.start[key + 1]);
  }
}

export class Lookup {
  private readonly made = new Map<string, unknown>();

  constructor(
    private readonly trace: Trace,
    readonly version: number
  ) {}

  /** Rows of `uses` by op. */
  get usesOfOp(): Groups {
    return this.group('uses', 'op', 'ops');
  }

  /** Rows of `ops` (the backward ones) by their forward op. */
  get backwardOf(): Groups {
    return this.group('ops', 'forward', 'ops');
  }

  /** Rows of `statistics` by tensor, oldest first. */
  get statisticsOf(): Groups {
    return this.group('statistics', 'tensor', 'tensors');
  }

  /** Rows of `blocks` by the op that made them. */
  get blocksOfOp(): Groups {
    return this.group('blocks', 'op', 'ops');
  }

  /** What each block turned out to be: an index into CATEGORIES. */
  get categories(): Uint8Array {
    return this.make('categories', () => {
      const final = Uint8Array.from(this.trace.column('blocks', 'category'));
      const blocks = this.trace.column('categories', 'block');
      const values = this.trace.column('categories', 'category');
      blocks.forEach((block, i) => {
        if (block >= 0 && block < final.length) {
          final[block] = values[i];
        }
      });
      return final;
    });
  }

  private group(table: string, key: string, of: string): Groups {
    const make = () => new Groups(this.trace.column(table, key), this.trace.rows(of));
    return this.make(`${table}.${key}`, make);
  }

  private make<T>(name: string, make: () => T): T {
    if (!this.made.has(name)) {
      this.made.set(name, make());
    }
    return this.made.get(name) as T;
  }
}

const lookups = new WeakMap<Trace, Lookup>();

export function lookup(trace: Trace): Lookup {
  let found = lookups.get(trace);
  if (!found || found.version !== trace.version) {
    found = new Lookup(trace, trace.version);
    lookups.set(trace, found);
  }
  return found;
}
