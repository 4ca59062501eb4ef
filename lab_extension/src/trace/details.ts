// Everything a trace knows about one op or tensor, gathered for the inspector.

import type { Graph } from './graph';
import { lookup } from './lookup';
import { GRADIENT, statisticsRow, VALUE } from './metrics';
import { CATEGORIES } from './schema';
import { tickRange } from './timeline';
import type { Trace } from './trace';

export interface TensorDetails {
  tensor: number;
  name: string;
  shape: string;
  dtype: string;
  bytes: number;
  device: string;
  /** Index into CATEGORIES. */
  category: number;
}

export interface SourceLine {
  file: string;
  line: number;
  cell: number;
  function: string;
  text: string;
}

export interface OpDetails {
  arguments: string;
  inputs: TensorDetails[];
  outputs: TensorDetails[];
  kept: TensorDetails[];
  forward: number;
  /** Seconds; NaN when the backward pass did not come here. */
  backward: number;
  source: SourceLine | null;
}

/** Statistics and some values of a tensor, recorded or fetched. */
export interface Sample {
  mean: number;
  std: number;
  min: number;
  max: number;
  norm: number;
  zeros: number;
  nans: number;
  infs: number;
  histogram: number[];
  values: number[];
  /** How the values are arranged: rows and columns last. */
  shape: number[];
}

export const SAMPLE_NUMBERS = [
  'mean', 'std', 'min', 'max', 'norm', 'zeros', 'nans', 'infs'
] as const;

export function isParameter(details: TensorDetails): boolean {
  return ['parameter', 'buffer'].includes(CATEGORIES[details.category]);
}

export function opDetails(trace: Trace, op: number): OpDetails {
  const byRole = (role: number) => usedTensors(trace, op, role).map(t => tensorDetails(trace, t));
  const durations = trace.column('ops', 'duration');
  const backward = lookup(trace).backwardOf.of(op);
  return {
    arguments: trace.text(trace.column('ops', 'arguments')[op]),
    inputs: byRole(0),
    outputs: byRole(1),
    kept: byRole(2),
    forward: durations[op],
    backward: backward.length ? backward.reduce((sum, row) => sum + durations[row], 0) : NaN,
    source: sourceLine(trace, trace.column('ops', 'line')[op])
  };
}

function usedTensors(trace: Trace, op: number, role: number): number[] {
  const tensors = trace.column('uses', 'tensor');
  const roles = trace.column('uses', 'role');
  const rows = [...lookup(trace).usesOfOp.of(op)].filter(use => roles[use] === role);
  const count = trace.rows('tensors');
  return rows.map(use => tensors[use]).filter(tensor => tensor >= 0 && tensor < count);
}

export function tensorDetails(trace: Trace, tensor: number): TensorDetails {
  const text = (name: string) => trace.text(trace.column('tensors', name)[tensor]);
  const block = trace.column('tensors', 'block')[tensor];
  return {
    tensor,
    name: text('name'),
    shape: text('shape'),
    dtype: text('dtype'),
    bytes: trace.column('blocks', 'bytes')[block] ?? NaN,
    device: trace.text(trace.column('blocks', 'device')[block]),
    category: lookup(trace).categories[block] ?? 0
  };
}

export function sourceLine(trace: Trace, row: number): SourceLine | null {
  if (!(row >= 0 && row < trace.rows('lines'))) {
    return null;
  }
  const value = (name: string) => trace.column('lines', name)[row];
  return {
    file: trace.text(value('file')),
    line: value('line'),
    cell: value('cell'),
    function: trace.text(value('function')),
    text: trace.text(value('text'))
  };
}

/** What was sampled of a tensor in the graph's iteration; null: nothing. */
export function sampleOf(
  trace: Trace,
  graph: Graph,
  tensor: number,
  kind: 'value' | 'gradient'
): Sample | null {
  const range = tickRange(trace, graph.iteration);
  const row = statisticsRow(trace, tensor, kind === 'value' ? VALUE : GRADIENT, range);
  if (row < 0) {
    return null;
  }
  const many = (name: string): number[] => {
    const column = trace.column('statistics', name);
    const width = column.length / trace.rows('statistics');
    return Array.from(column.subarray(row * width, (row + 1) * width));
  };
  const arranged = trace.text(trace.column('statistics', 'preview_shape')[row]);
  const shape = readShape(arranged);
  const numbers = SAMPLE_NUMBERS.map(name => [name, trace.column('statistics', name)[row]]);
  const values = many('preview').slice(0, shape.reduce((a, b) => a * b, 1));
  return { ...Object.fromEntries(numbers), histogram: many('histogram'), values, shape };
}

/** "8,8" -> [8, 8] */
export function readShape(shape: string): number[] {
  return shape === '' ? [] : shape.split(',').map(Number).filter(n => n >= 0);
}

export interface ParameterDetails {
  name: string;
  /** null: its shape is not in this segment. */
  shape: string | null;
  gradient: number;
  weight: number;
  update: number;
}

/** Parameters of a module and of those inside it, with what the iteration did to them. */
export function parametersOf(trace: Trace, graph: Graph, path: string): ParameterDetails[] {
  const names = trace.column('tensors', 'name');
  const shapes = new Map<string, string>();
  for (let t = 0; t < names.length; t++) {
    const block = trace.column('tensors', 'block')[t];
    const category = CATEGORIES[lookup(trace).categories[block]];
    const name = names[t] === 0 ? '' : trace.text(names[t]);
    if (name && category === 'parameter' && isInside(name, path)) {
      shapes.set(name, trace.text(trace.column('tensors', 'shape')[t]));
    }
  }
  const rows = gradientRows(trace, graph.iteration);
  return [...shapes].map(([name, shape]) => {
    const row = rows.get(name);
    const value = (column: string) =>
      row === undefined ? NaN : trace.column('gradients', column)[row];
    const [gradient, weight, update] = ['norm', 'weight', 'update'].map(value);
    return { name, shape, gradient, weight, update };
  });
}

function isInside(name: string, path: string): boolean {
  return path === '' || name.startsWith(`${path}.`);
}

function gradientRows(trace: Trace, iteration: number): Map<string, number> {
  const iterations = trace.column('gradients', 'iteration');
  const names = trace.column('gradients', 'name');
  const rows = new Map<string, number>();
  for (let row = iterations.lastIndexOf(iteration); row >= 0; row--) {
    if (iterations[row] !== iteration) {
      break; // rows of one iteration stand together
    }
    rows.set(trace.text(names[row]), row);
  }
  return rows;
}
