// Histograms of many iterations on one scale: columns of shares, bottom up.

import { HISTOGRAM_BINS } from '../../trace/schema';
import { groups } from './gradientHistory';
import type { Tables } from './tables';

export interface HistogramGrid {
  low: number;
  high: number;
  /** For each group of iterations the share of values in each bin; all 0 when none is known. */
  columns: number[][];
}

/** `rows` of `gradients` thinned to `cells` columns of `bins`; null when none has a histogram. */
export function histogramGrid(
  trace: Tables,
  rows: number[],
  cells: number,
  bins: number
): HistogramGrid | null {
  const picked = groups(rows.length, cells).map(([, to]) => rows[to - 1]!);
  const limit = commonLimit(trace, picked);
  if (!(limit > 0)) return null;
  const columns = picked.map(row => rebin(trace, row, limit, bins));
  return { low: -limit, high: limit, columns };
}

/** Symmetric, and wide enough for nine iterations of ten: one spike must not flatten the rest. */
function commonLimit(trace: Tables, rows: number[]): number {
  const [min, max] = ['min', 'max'].map(name => trace.column('gradients', name));
  const sizes = rows
    .map(row => Math.max(Math.abs(min![row]!), Math.abs(max![row]!)))
    .filter(size => Number.isFinite(size))
    .sort((a, b) => a - b);
  return sizes[Math.ceil(sizes.length * 0.9) - 1] ?? 0;
}

function rebin(trace: Tables, row: number, limit: number, bins: number): number[] {
  const counts = trace.column('gradients', 'histogram');
  const min = trace.column('gradients', 'min')[row]!;
  const max = trace.column('gradients', 'max')[row]!;
  const column = new Array<number>(bins).fill(0);
  if (!Number.isFinite(min) || !Number.isFinite(max)) return column;
  const width = (max - min) / HISTOGRAM_BINS;
  const scale = bins / (2 * limit);
  for (let bin = 0; bin < HISTOGRAM_BINS; bin++) {
    const count = counts[row * HISTOGRAM_BINS + bin]!;
    const from = (min + bin * width + limit) * scale;
    if (count > 0) spread(column, from, from + width * scale, count);
  }
  const total = column.reduce((sum, count) => sum + count, 0);
  return total > 0 ? column.map(count => count / total) : column;
}

/** Adds `count` evenly to the bins between two positions; what lies outside goes to the edge. */
function spread(column: number[], from: number, to: number, count: number): void {
  const last = column.length - 1;
  const clamp = (bin: number) => Math.min(last, Math.max(0, bin));
  const first = clamp(Math.floor(from));
  const end = clamp(Math.ceil(to) - 1);
  if (first >= end) {
    column[first]! += count;
    return;
  }
  for (let bin = first; bin <= end; bin++) {
    const overlap = Math.min(to, bin + 1) - Math.max(from, bin);
    column[bin]! += (count * Math.max(0, overlap)) / (to - from);
  }
}
