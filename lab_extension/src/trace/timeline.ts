// Iterations: which ones the trace still holds in detail, and which one the views show.

import type { Session } from './session';
import type { Trace } from './trace';

const known = new WeakMap<Trace, { version: number; numbers: number[] }>();

/** Numbers of the iterations whose ops are in the current segment, ascending. */
export function detailedIterations(trace: Trace): number[] {
  const cached = known.get(trace);
  if (cached?.version === trace.version) {
    return cached.numbers;
  }
  const numbers = [...new Set(trace.column('ops', 'iteration'))].sort((a, b) => a - b);
  known.set(trace, { version: trace.version, numbers });
  return numbers;
}

/** The iteration that the views show: the cursor's, or else the one they follow. */
export function shownIteration(session: Session): number | null {
  const chosen = session.cursor.iteration;
  const detailed = detailedIterations(session.trace);
  return chosen !== null && detailed.includes(chosen) ? chosen : followed(session.trace);
}

/** The latest complete iteration; a failed one comes first, a growing one last. */
function followed(trace: Trace): number | null {
  const detailed = detailedIterations(trace);
  const latest = detailed.at(-1);
  if (latest === undefined) {
    return null;
  }
  if (errorsOf(trace, latest).length > 0) {
    return latest;
  }
  const complete = completed(trace);
  const last = detailed.filter(number => complete.has(number)).at(-1) ?? latest;
  const mended = errorsOf(trace, last).length > 0; // for later ones went on
  return mended ? latest : last;
}

/** The chosen iteration when the trace holds no details of it; null when it shows what is meant. */
export function onlySummarised({ trace, cursor }: Session): number | null {
  const { iteration } = cursor;
  return iteration === null || detailedIterations(trace).includes(iteration) ? null : iteration;
}

/** Iterations that have a summary, which is written when one ends. */
function completed(trace: Trace): Set<number> {
  return new Set(trace.column('summaries', 'iteration'));
}

export function isComplete(trace: Trace, iteration: number): boolean {
  return completed(trace).has(iteration);
}

/** First and last tick of an iteration, the last being Infinity while it runs. */
export function tickRange(trace: Trace, iteration: number): [number, number] {
  const numbers = trace.column('iterations', 'number');
  const ticks = trace.column('iterations', 'tick');
  const row = numbers.lastIndexOf(iteration);
  if (row < 0) {
    return [0, Infinity];
  }
  return [ticks[row], row + 1 < ticks.length ? ticks[row + 1] : Infinity];
}

/** Rows of `errors` that were raised in an iteration. */
export function errorsOf(trace: Trace, iteration: number): number[] {
  const ops = trace.column('errors', 'op');
  const ticks = trace.column('errors', 'tick');
  const iterations = trace.column('ops', 'iteration');
  const [first, last] = tickRange(trace, iteration);
  return Array.from(ops.keys()).filter(row => {
    const op = ops[row];
    const known = op >= 0 && op < iterations.length;
    return known ? iterations[op] === iteration : ticks[row] >= first && ticks[row] < last;
  });
}
