// Every block of memory in a segment: when it was made and freed, and what it turned out to be.

import { CATEGORIES } from '../../trace/schema';
import type { Tables } from './tables';
import { upperBound } from './tables';

/** The part of the time line that is shown: ticks `from` (in) to `to` (out). */
export interface Span {
  iteration: number | null;
  complete: boolean;
  from: number;
  to: number;
}

/** The wanted iteration; else the latest complete one, else what there is. */
export function shownSpan(trace: Tables, wanted: number | null): Span {
  const spans = iterationSpans(trace);
  const found = spans.find(span => span.iteration === wanted);
  const complete = spans.filter(span => span.complete).pop();
  return found ?? complete ?? spans.pop() ?? wholeSegment(trace);
}

function iterationSpans(trace: Tables): Span[] {
  const number = trace.column('iterations', 'number');
  const tick = trace.column('iterations', 'tick');
  const summarised = new Set(Array.from(trace.column('summaries', 'iteration')).slice(-1000));
  return Array.from({ length: trace.rows('iterations') }, (_, row) => ({
    iteration: number[row]!,
    complete: row + 1 < number.length || summarised.has(number[row]!),
    from: tick[row]!,
    to: tick[row + 1] ?? Infinity
  }));
}

function wholeSegment(trace: Tables): Span {
  const first = trace.column('ops', 'tick')[0] ?? trace.column('blocks', 'tick')[0] ?? 0;
  return { iteration: null, complete: false, from: first, to: Infinity };
}

export class MemoryModel {
  readonly blocks: number;
  readonly bytes: Float64Array;
  /** The category a block ended in. */
  readonly category: Uint8Array;
  readonly made: ArrayLike<number>;
  /** Tick at which a block was freed, Infinity while it lives. */
  readonly freed: Float64Array;
  /** Makings and frees in order: block * 2, plus 1 for a free. */
  readonly events: Int32Array;
  private readonly madeTime: ArrayLike<number>;
  private readonly freedTime: Float64Array;

  constructor(trace: Tables) {
    this.blocks = trace.rows('blocks');
    this.made = trace.column('blocks', 'tick');
    this.madeTime = trace.column('blocks', 'time');
    this.bytes = Float64Array.from(trace.column('blocks', 'bytes'), sane);
    this.category = finalCategories(trace);
    this.freed = new Float64Array(this.blocks).fill(Infinity);
    this.freedTime = new Float64Array(this.blocks).fill(Infinity);
    this.readFrees(trace);
    this.events = this.order();
  }

  tickOf(event: number): number {
    return event % 2 ? this.freed[event >> 1]! : this.made[event >> 1]!;
  }

  timeOf(event: number): number {
    return event % 2 ? this.freedTime[event >> 1]! : this.madeTime[event >> 1]!;
  }

  isAlive(block: number, tick: number): boolean {
    return this.made[block]! <= tick && tick < this.freed[block]!;
  }

  /** The biggest blocks alive at a tick, biggest first, and what the others add up to. */
  biggest(tick: number, limit: number, accept?: (block: number) => boolean): BiggestBlocks {
    const top = new Top(limit, this.bytes);
    const found = { count: 0, bytes: 0 };
    for (let block = 0; block < this.blocks; block++) {
      if (!this.isAlive(block, tick) || (accept && !accept(block))) continue;
      found.count += 1;
      found.bytes += this.bytes[block]!;
      top.offer(block);
    }
    return { blocks: top.blocks, ...found };
  }

  private readFrees(trace: Tables): void {
    const block = trace.column('frees', 'block');
    const tick = trace.column('frees', 'tick');
    const time = trace.column('frees', 'time');
    for (let row = 0; row < block.length; row++) {
      const freed = block[row]!;
      if (this.freed[freed] !== Infinity) continue; // no such block, or freed twice
      this.freed[freed] = Math.max(tick[row]!, this.made[freed]!);
      this.freedTime[freed] = time[row]!;
    }
  }

  private order(): Int32Array {
    const all = Array.from({ length: this.blocks }, (_, block) => block);
    const made = byTick(all, this.made);
    const freed = byTick(all.filter(block => this.freed[block] !== Infinity), this.freed);
    const events = new Int32Array(made.length + freed.length);
    let m = 0;
    let f = 0;
    for (let n = 0; n < events.length; n++) {
      const free = f < freed.length && !(this.made[made[m]!]! <= this.freed[freed[f]!]!);
      events[n] = free ? freed[f++]! * 2 + 1 : made[m++]! * 2;
    }
    return events;
  }
}

export interface BiggestBlocks {
  blocks: number[];
  count: number;
  bytes: number;
}

/** Keeps the biggest few of many, in order. */
class Top {
  readonly blocks: number[] = [];

  constructor(
    private readonly limit: number,
    private readonly bytes: Float64Array
  ) {}

  offer(block: number): void {
    const { blocks, bytes, limit } = this;
    if (limit === 0) return;
    if (blocks.length === limit && bytes[block]! <= bytes[blocks[limit - 1]!]!) return;
    const at = upperBound(blocks.map(b => -bytes[b]!), -bytes[block]!);
    blocks.splice(at, 0, block);
    blocks.length = Math.min(blocks.length, limit);
  }
}

/** A number of bytes that adding up cannot spoil. */
function sane(bytes: number): number {
  return bytes > 0 && Number.isFinite(bytes) ? bytes : 0;
}

function finalCategories(trace: Tables): Uint8Array {
  const known = (category: number) => (category < CATEGORIES.length ? category : 0);
  const final = Uint8Array.from(trace.column('blocks', 'category'), known);
  const block = trace.column('categories', 'block');
  const category = trace.column('categories', 'category');
  for (let row = 0; row < block.length; row++) {
    if (block[row]! in final) final[block[row]!] = known(category[row]!);
  }
  return final;
}

/** Recorders write in order; a file from elsewhere may not. */
function byTick(blocks: number[], tick: ArrayLike<number>): number[] {
  return blocks.sort((a, b) => tick[a]! - tick[b]! || a - b);
}
