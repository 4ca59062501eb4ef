// What the charts' logic reads of a trace. `Trace` fits; so does a handful of arrays in a test.

import { formatPlace } from '../format';

export interface Tables {
  rows(table: string): number;
  column(table: string, name: string): ArrayLike<number>;
  text(index: number | undefined): string;
}

/** The string that column `name` holds in `row`. */
export function textAt(trace: Tables, table: string, name: string, row: number): string {
  return trace.text(trace.column(table, name)[row]);
}

/** "net.conv1" for row `call` of `calls`, '' outside any module. */
export function modulePath(trace: Tables, call: number): string {
  if (!(call >= 0 && call < trace.rows('calls'))) return '';
  const module = trace.column('calls', 'module')[call] ?? -1;
  return module >= 0 && module < trace.rows('modules')
    ? textAt(trace, 'modules', 'path', module)
    : '';
}

/** "cell 4, line 7" or "train.py, line 7" for a row of `lines`, '' when it is not known. */
export function sourceLine(trace: Tables, row: number): string {
  if (!(row >= 0 && row < trace.rows('lines'))) return '';
  const [line, cell] = ['line', 'cell'].map(name => trace.column('lines', name)[row] ?? 0);
  return formatPlace(textAt(trace, 'lines', 'file', row), line!, cell!);
}

/** First position in an ascending column whose value is greater than `value`. */
export function upperBound(sorted: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
