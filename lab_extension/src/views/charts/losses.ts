// Which iterations had a loss.

import type { Tables } from './tables';

/** Rows of `summaries` with a loss, be it NaN. An iteration that broke off or only evaluated has
 *  NaN as well, but no gradients. */
export function lossRows(trace: Tables): number[] {
  const losses = trace.column('summaries', 'loss');
  const iterations = trace.column('summaries', 'iteration');
  const gradients = trace.column('gradients', 'iteration');
  const trained = new Set(Array.from(gradients));
  const had = (row: number) =>
    !Number.isNaN(losses[row]!) || trained.size === 0 || trained.has(iterations[row]!);
  return Array.from({ length: losses.length }, (_, row) => row).filter(had);
}

/** The losses that are numbers, up to an iteration. */
export function finiteLosses(trace: Tables, until = Infinity): number[] {
  const loss = trace.column('summaries', 'loss');
  const iteration = trace.column('summaries', 'iteration');
  const rows = lossRows(trace).filter(row => iteration[row]! <= until);
  return rows.map(row => loss[row]!).filter(value => Number.isFinite(value));
}
