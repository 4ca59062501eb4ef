// Passes: ops of one iteration that belong together because tensors flow between them. Between
// two optimizer steps there may be several, such as the training itself and an evaluation.

import { lookup } from './lookup';
import { CATEGORIES, PHASES } from './schema';
import { errorsOf } from './timeline';
import type { Trace } from './trace';

const INPUT = 0;
const OUTPUT = 1;
const BACKWARD = PHASES.indexOf('backward');
const PARAMETER = CATEGORIES.indexOf('parameter');
const BUFFER = CATEGORIES.indexOf('buffer');

/** What led to no gradients in an iteration that has some. */
export interface Gradientless {
  /** Rows of `ops`. */
  rows: ReadonlySet<number>;
  /** How many passes through modules these are; 0: single ops alone. */
  passes: number;
}

const NOTHING: Gradientless = { rows: new Set(), passes: 0 };

/** Finds the passes without a backward, given the iteration's forward ops in order. With an
 *  error, or without any backward, there is nothing to tell them by. What ran after the last
 *  backward is the newest and no such pass. */
export function gradientless(trace: Trace, iteration: number, rows: number[]): Gradientless {
  const { backwardOf } = lookup(trace);
  const trained = rows.filter(row => backwardOf.of(row).length > 0);
  if (trained.length === 0 || errorsOf(trace, iteration).length > 0) {
    return NOTHING;
  }
  const groups = connect(trace, rows);
  const newest = rows.filter(afterBackward(trace, iteration));
  const kept = new Set([...trained, ...newest].map(row => groups.find(row)));
  const left = rows.filter(row => !kept.has(groups.find(row)));
  const calls = trace.column('ops', 'call');
  const passes = new Set(left.filter(row => calls[row] >= 0).map(row => groups.find(row)));
  return { rows: new Set(left), passes: passes.size };
}

/** Tells whether an op came after all backward ops of an iteration. */
function afterBackward(trace: Trace, iteration: number): (row: number) => boolean {
  const ticks = trace.column('ops', 'tick');
  const phases = trace.column('ops', 'phase');
  const iterations = trace.column('ops', 'iteration');
  let last = -Infinity;
  for (let row = 0; row < ticks.length; row++) {
    if (phases[row] === BACKWARD && iterations[row] === iteration) {
      last = Math.max(last, ticks[row]);
    }
  }
  return row => ticks[row] > last;
}

/** Ops joined by the tensors that one makes and another reads. */
function connect(trace: Trace, rows: number[]): DisjointSets {
  const uses = lookup(trace).usesOfOp;
  const tensors = trace.column('uses', 'tensor');
  const roles = trace.column('uses', 'role');
  const isParameter = parameterTest(trace);
  const maker = new Int32Array(trace.rows('tensors')).fill(-1);
  const groups = new DisjointSets(trace.rows('ops'));
  for (const row of rows) {
    const mine = uses.of(row);
    for (const use of mine) {
      const from = roles[use] === INPUT ? (maker[tensors[use]] ?? -1) : -1;
      if (from >= 0) {
        groups.join(from, row);
      }
    }
    for (const use of mine) {
      if (roles[use] === OUTPUT && !isParameter(tensors[use])) {
        maker[tensors[use]] = row;
      }
    }
  }
  return groups;
}

/** Tells whether a tensor is a parameter or buffer itself; its views have no name, they flow like
 *  other tensors. */
export function parameterTest(trace: Trace): (tensor: number) => boolean {
  const blocks = trace.column('tensors', 'block');
  const names = trace.column('tensors', 'name');
  const { categories } = lookup(trace);
  return tensor => {
    const category = categories[blocks[tensor]];
    return names[tensor] !== 0 && (category === PARAMETER || category === BUFFER);
  };
}

class DisjointSets {
  private readonly parent: Int32Array;

  constructor(count: number) {
    this.parent = Int32Array.from({ length: count }, (_, one) => one);
  }

  /** The one that stands for all that were joined with this one. */
  find(one: number): number {
    const { parent } = this;
    while (parent[one] !== one) {
      parent[one] = parent[parent[one]]; // halves the way for the next time
      one = parent[one];
    }
    return one;
  }

  join(a: number, b: number): void {
    const [first, second] = [this.find(a), this.find(b)];
    this.parent[Math.max(first, second)] = Math.min(first, second);
  }
}
