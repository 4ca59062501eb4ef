// The peaks of many iterations, split by category. A live recording splits only the peaks of those
// that it sent in detail; of the others the total is known.

import { CATEGORIES } from '../../trace/schema';
import type { Tables } from './tables';

/** Whether the bytes by category are known at the peak of a row of `summaries`. */
export function isSplit(trace: Tables, row: number): boolean {
  const peak = trace.column('summaries', 'peak')[row] ?? 0;
  return !(peak > 0) || partsOf(trace, row).some(bytes => bytes > 0);
}

/** Bytes by category for each of some rows. One that is not split lies between those that are, but
 *  never above its own total; before the first and after the last of them it is NaN. */
export function peakSplits(trace: Tables, rows: number[]): number[][] {
  const peaks = trace.column('summaries', 'peak');
  const found = rows.map(row => (isSplit(trace, row) ? partsOf(trace, row) : null));
  const before = nearest(found, 1);
  const after = nearest(found, -1);
  return rows.map((row, n) => {
    const [a, b] = [before[n]!, after[n]!];
    if (a < 0 || b < 0) return CATEGORIES.map(() => NaN);
    const share = b > a ? (n - a) / (b - a) : 0;
    const parts = found[a]!.map((bytes, c) => bytes + (found[b]![c]! - bytes) * share);
    const total = parts.reduce((sum, bytes) => sum + bytes, 0);
    const fit = found[n] || total <= peaks[row]! ? 1 : peaks[row]! / total;
    return parts.map(bytes => bytes * fit);
  });
}

function partsOf(trace: Tables, row: number): number[] {
  const parts = trace.column('summaries', 'at_peak');
  return CATEGORIES.map((_, category) => parts[row * CATEGORIES.length + category] || 0);
}

/** For each position the nearest one that is there, looking back (1) or ahead (-1); -1: none. */
function nearest(found: (number[] | null)[], way: 1 | -1): number[] {
  const result = new Array<number>(found.length).fill(-1);
  let last = -1;
  for (let i = 0; i < found.length; i++) {
    const at = way === 1 ? i : found.length - 1 - i;
    if (found[at]) last = at;
    result[at] = last;
  }
  return result;
}
