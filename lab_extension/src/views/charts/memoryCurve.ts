// Live bytes by category along a span of the time line, thinned to what a picture can show.

import { CATEGORIES } from '../../trace/schema';
import type { MemoryModel, Span } from './memoryModel';
import type { Tables } from './tables';
import { upperBound } from './tables';

export type Axis = 'tick' | 'time';

export interface Peak {
  bytes: number;
  tick: number;
  x: number;
  byCategory: number[];
  /** The block whose making was the peak, -1 when the span began with it. */
  block: number;
}

/** A step function: point i holds from x[i] to x[i + 1]. */
export interface Curve {
  axis: Axis;
  from: number;
  to: number;
  x: number[];
  tick: number[];
  total: number[];
  /** One row of values for each category. */
  stacks: number[][];
  peak: Peak;
}

export function sampleCurve(
  model: MemoryModel,
  trace: Tables,
  span: Span,
  axis: Axis,
  buckets: number
): Curve {
  const sampler = new Sampler(model, axis, bounds(model, trace, span, axis), buckets);
  return sampler.run(span);
}

/** Where the x axis begins and ends. */
function bounds(model: MemoryModel, trace: Tables, span: Span, axis: Axis): [number, number] {
  const ticks = trace.column('ops', 'tick');
  const first = upperBound(ticks, span.from - 1);
  const last = upperBound(ticks, span.to - 1) - 1;
  const within = eventRange(model, span);
  const xs: number[] = [];
  if (last >= first) {
    const values = trace.column('ops', axis);
    xs.push(values[first]!, values[last]! + (axis === 'tick' ? 1 : lastDuration(trace, last)));
  }
  if (within) {
    xs.push(position(model, within[0], axis), position(model, within[1], axis));
  }
  const sane = xs.filter(Number.isFinite);
  if (!sane.length) return [0, 1];
  const [from, to] = [Math.min(...sane), Math.max(...sane)];
  return [from, to > from ? to : from + 1];
}

function lastDuration(trace: Tables, row: number): number {
  return trace.column('ops', 'duration')[row] || 0;
}

function eventRange(model: MemoryModel, span: Span): [number, number] | null {
  const inside = model.events.filter(event => {
    const tick = model.tickOf(event);
    return tick >= span.from && tick < span.to;
  });
  return inside.length ? [inside[0]!, inside[inside.length - 1]!] : null;
}

function position(model: MemoryModel, event: number, axis: Axis): number {
  return axis === 'tick' ? model.tickOf(event) : model.timeOf(event);
}

class Sampler {
  private readonly state = new Array<number>(CATEGORIES.length).fill(0);
  private total = 0;
  private bucket = -1;
  /** Where the highest moment of the bucket being filled is kept. */
  private high = -1;
  private readonly curve: Curve;

  constructor(
    private readonly model: MemoryModel,
    axis: Axis,
    [from, to]: [number, number],
    private readonly buckets: number
  ) {
    const stacks = Array.from({ length: CATEGORIES.length }, () => []);
    const peak = { bytes: 0, tick: from, x: from, byCategory: [...this.state], block: -1 };
    this.curve = { axis, from, to, x: [], tick: [], total: [], stacks, peak };
  }

  run(span: Span): Curve {
    let begun = false;
    const begin = () => {
      begun = true;
      this.begin(span);
    };
    for (const event of this.model.events) {
      const tick = this.model.tickOf(event);
      if (tick >= span.to) break;
      if (tick >= span.from && !begun) begin();
      this.step(event);
      if (begun) this.moment(event, tick);
    }
    if (!begun) begin();
    this.write(this.curve.to, Math.min(span.to, this.lastTick()));
    return this.curve;
  }

  private begin(span: Span): void {
    this.curve.peak.tick = span.from;
    this.write(this.curve.from, span.from);
    this.raisePeak(span.from, this.curve.from, -1);
  }

  private step(event: number): void {
    const block = event >> 1;
    const change = event % 2 ? -this.model.bytes[block]! : this.model.bytes[block]!;
    this.state[this.model.category[block]!]! += change;
    this.total += change;
  }

  private moment(event: number, tick: number): void {
    const { from, to, axis } = this.curve;
    const x = Math.min(to, Math.max(from, position(this.model, event, axis) || from));
    const bucket = Math.floor(((x - from) / (to - from)) * this.buckets);
    this.raisePeak(tick, x, event >> 1);
    if (bucket !== this.bucket) {
      this.bucket = bucket;
      this.high = this.write(x, tick);
    } else if (this.total > this.curve.total[this.high]!) {
      this.truncate(this.high);
      this.write(x, tick);
    } else {
      this.truncate(this.high + 1);
      this.write(x, tick);
    }
  }

  private raisePeak(tick: number, x: number, block: number): void {
    if (this.total > this.curve.peak.bytes) {
      this.curve.peak = { bytes: this.total, tick, x, byCategory: [...this.state], block };
    }
  }

  private write(x: number, tick: number): number {
    const { curve } = this;
    curve.x.push(x);
    curve.tick.push(tick);
    curve.total.push(Math.max(0, this.total));
    this.state.forEach((bytes, category) => curve.stacks[category]!.push(Math.max(0, bytes)));
    return curve.x.length - 1;
  }

  private truncate(length: number): void {
    const { x, tick, total, stacks } = this.curve;
    for (const column of [x, tick, total, ...stacks]) column.length = length;
  }

  private lastTick(): number {
    return this.curve.tick[this.curve.tick.length - 1]!;
  }
}

/** The point of the curve that holds at `x`. */
export function pointAt(curve: Curve, x: number): number {
  return Math.max(0, upperBound(curve.x, x) - 1);
}

/** The point of the curve that holds at a tick. */
export function pointAtTick(curve: Curve, tick: number): number {
  return Math.max(0, upperBound(curve.tick, tick) - 1);
}

/** A stretch of the axis in which one thing went on. */
export interface Stretch {
  label: string;
  from: number;
  to: number;
}

/** Forward, backward and optimizer steps along the axis of a curve. */
export function stretches(trace: Tables, curve: Curve, span: Span): Stretch[] {
  const ticks = trace.column('ops', 'tick');
  const phases = trace.column('ops', 'phase');
  const xs = trace.column('ops', curve.axis);
  const found: Stretch[] = [];
  const last = upperBound(ticks, span.to - 1);
  for (let row = upperBound(ticks, span.from - 1); row < last; row++) {
    const label = phases[row] === 1 ? 'backward' : 'forward';
    const current = found[found.length - 1];
    if (current) current.to = xs[row]!;
    if (current?.label !== label) found.push({ label, from: xs[row]!, to: curve.to });
  }
  return withSteps(trace, curve, span, found);
}

/** An optimizer's step is a moment; what follows it belongs to it. */
function withSteps(trace: Tables, curve: Curve, span: Span, found: Stretch[]): Stretch[] {
  const ticks = trace.column('steps', 'tick');
  const xs = trace.column('steps', curve.axis);
  const row = upperBound(ticks, span.from - 1);
  const last = found[found.length - 1];
  if (!last || row >= ticks.length || ticks[row]! >= span.to) return found;
  if (xs[row]! > last.from && xs[row]! <= curve.to) {
    last.to = xs[row]!;
    found.push({ label: 'step', from: xs[row]!, to: curve.to });
  }
  return found;
}
