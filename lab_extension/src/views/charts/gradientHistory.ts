// The table of gradients, arranged by parameter.

import type { Tables } from './tables';

export interface Parameter {
  name: string;
  /** Rows of `gradients`, in the order of the iterations. */
  rows: number[];
}

/** Ratio of update to weight: what it says about the learning rate. */
export type Pace = 'tiny' | 'healthy' | 'large' | 'unknown';

/** Around 1e-3 is healthy; these bounds are where a look is worth it. */
export const TINY_UPDATE = 3e-5;
export const LARGE_UPDATE = 3e-2;

export class GradientHistory {
  readonly parameters: Parameter[] = [];
  private readonly byName = new Map<number, Parameter>();
  private read = 0;
  private epoch = -1;
  /** The last row taken in, to tell whether rows were replaced. */
  private last = '';

  /** Takes in the rows that are new; a new `epoch` says that old ones may have been replaced. */
  update(trace: Tables, epoch: number): void {
    const rows = trace.rows('gradients');
    if (rows < this.read || (epoch !== this.epoch && this.lastRow(trace) !== this.last)) {
      this.clear();
    }
    this.epoch = epoch;
    const names = trace.column('gradients', 'name');
    for (; this.read < rows; this.read++) {
      this.parameter(trace, names[this.read]!).rows.push(this.read);
    }
    this.last = this.lastRow(trace);
  }

  find(name: string): Parameter | undefined {
    return this.parameters.find(parameter => parameter.name === name);
  }

  private lastRow(trace: Tables): string {
    const at = (name: string) => trace.column('gradients', name)[this.read - 1];
    return `${at('iteration')} ${trace.text(at('name'))} ${at('norm')}`;
  }

  private clear(): void {
    this.parameters.length = 0;
    this.byName.clear();
    this.read = 0;
  }

  private parameter(trace: Tables, name: number): Parameter {
    let parameter = this.byName.get(name);
    if (!parameter) {
      parameter = { name: trace.text(name) || `parameter ${name}`, rows: [] };
      this.byName.set(name, parameter);
      this.parameters.push(parameter);
    }
    return parameter;
  }
}

/** What one row says. */
export interface GradientFacts {
  iteration: number;
  norm: number;
  weight: number;
  /** Norm of the update over norm of the weight, NaN when one is unknown. */
  ratio: number;
  zeros: number;
  bad: number;
  pace: Pace;
}

export function gradientFacts(trace: Tables, row: number): GradientFacts {
  const at = (name: string) => trace.column('gradients', name)[row] ?? NaN;
  const weight = at('weight');
  const ratio = weight > 0 ? at('update') / weight : NaN;
  return {
    iteration: at('iteration'),
    norm: at('norm'),
    weight,
    ratio,
    zeros: at('zeros'),
    bad: at('nans') || 0,
    pace: paceOf(ratio)
  };
}

export function paceOf(ratio: number): Pace {
  if (!Number.isFinite(ratio)) return 'unknown';
  if (ratio < TINY_UPDATE) return 'tiny';
  return ratio > LARGE_UPDATE ? 'large' : 'healthy';
}

/** Iterations or their summaries thinned to at most `cells` groups: [from, to) positions. */
export function groups(length: number, cells: number): [number, number][] {
  const count = Math.max(0, Math.min(length, cells));
  const bound = (cell: number) => Math.floor((cell * length) / count);
  return Array.from({ length: count }, (_, cell) => [bound(cell), bound(cell + 1)]);
}

/** One cell of a strip: the norm of a group of iterations and whether one had a NaN. */
export interface StripCell {
  norm: number;
  bad: boolean;
}

/** The gradient's norm over the iterations, thinned to `cells`. */
export function strip(trace: Tables, parameter: Parameter, cells: number): StripCell[] {
  const norms = trace.column('gradients', 'norm');
  const bads = trace.column('gradients', 'nans');
  return groups(parameter.rows.length, cells).map(([from, to]) => {
    let norm = 0;
    let bad = false;
    for (let at = from; at < to; at++) {
      const row = parameter.rows[at]!;
      bad ||= bads[row]! > 0 || !Number.isFinite(norms[row]!);
      norm = Math.max(norm, norms[row] || 0);
    }
    return { norm, bad };
  });
}

/** Smallest and largest log10 of the norms, over all parameters; null when there is none. */
export function normRange(trace: Tables): [number, number] | null {
  const norms = trace.column('gradients', 'norm');
  let low = Infinity;
  let high = 0;
  for (let row = 0; row < norms.length; row++) {
    const norm = norms[row]!;
    if (norm > 0 && Number.isFinite(norm)) {
      low = Math.min(low, norm);
      high = Math.max(high, norm);
    }
  }
  return high > 0 ? [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high) + 1e-9)] : null;
}
