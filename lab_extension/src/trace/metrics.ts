// What is painted on the nodes of a graph: time, bytes, gradient norm, share of zeros.

import type { Graph, GraphModule, GraphNode } from './graph';
import { lookup } from './lookup';
import { STATISTICS } from './schema';
import { tickRange } from './timeline';
import type { Trace } from './trace';

export type Metric = 'none' | 'time' | 'bytes' | 'gradient' | 'zeros';
export type Direction = 'forward' | 'backward';

export const VALUE = STATISTICS.indexOf('value');
export const GRADIENT = STATISTICS.indexOf('gradient');

/** Values by node of one graph; NaN where nothing was recorded. */
export interface NodeValues {
  forward: Float64Array;
  backward: Float64Array;
  bytes: Float64Array;
  gradient: Float64Array;
  zeros: Float64Array;
  /** 1 where the backward pass went through the node. */
  reached: Uint8Array;
}

export function nodeValues(trace: Trace, graph: Graph): NodeValues {
  const fresh = () => new Float64Array(graph.nodes.length).fill(NaN);
  const values: NodeValues = {
    forward: fresh(),
    backward: fresh(),
    bytes: fresh(),
    gradient: fresh(),
    zeros: fresh(),
    reached: new Uint8Array(graph.nodes.length)
  };
  const durations = trace.column('ops', 'duration');
  const range = tickRange(trace, graph.iteration);
  for (const node of graph.nodes) {
    readStatistics(trace, node, range, values);
    if (node.row < 0) {
      continue;
    }
    values.forward[node.id] = durations[node.row];
    values.bytes[node.id] = bytesMade(trace, node.row);
    const backward = lookup(trace).backwardOf.of(node.row);
    if (backward.length > 0) {
      values.reached[node.id] = 1;
      values.backward[node.id] = backward.reduce((sum, row) => sum + durations[row], 0);
    }
  }
  return values;
}

function bytesMade(trace: Trace, op: number): number {
  const bytes = trace.column('blocks', 'bytes');
  return lookup(trace).blocksOfOp.of(op).reduce((sum, block) => sum + bytes[block], 0);
}

function readStatistics(
  trace: Trace,
  node: GraphNode,
  range: [number, number],
  values: NodeValues
): void {
  const value = statisticsRow(trace, node.tensor, VALUE, range);
  const gradient = statisticsRow(trace, node.tensor, GRADIENT, range);
  if (value >= 0) {
    values.zeros[node.id] = trace.column('statistics', 'zeros')[value];
  }
  if (gradient >= 0) {
    values.gradient[node.id] = trace.column('statistics', 'norm')[gradient];
  }
}

/** The last row of `statistics` on a tensor in a range of ticks, -1 when it was not sampled. */
export function statisticsRow(
  trace: Trace,
  tensor: number,
  kind: number,
  [first, last]: [number, number]
): number {
  const rows = lookup(trace).statisticsOf.of(tensor);
  if (rows.length === 0) {
    return -1;
  }
  const kinds = trace.column('statistics', 'kind');
  const ticks = trace.column('statistics', 'tick');
  for (let i = rows.length - 1; i >= 0; i--) {
    const row = rows[i];
    if (kinds[row] === kind && ticks[row] >= first && ticks[row] < last) {
      return row;
    }
  }
  return -1;
}

/** The value of a metric on one node. */
export function metricOf(
  values: NodeValues,
  metric: Metric,
  direction: Direction,
  id: number
): number {
  switch (metric) {
    case 'none':
      return NaN;
    case 'time':
      return direction === 'forward' ? values.forward[id] : values.backward[id];
    default:
      return values[metric][id];
  }
}

/** The same for all modules: sums of time and bytes, else the value of the module's output. */
export function moduleMetrics(
  graph: Graph,
  values: NodeValues,
  metric: Metric,
  direction: Direction
): Float64Array {
  const result = new Float64Array(graph.modules.length).fill(NaN);
  if (metric !== 'time' && metric !== 'bytes') {
    const ofOutput = (m: GraphModule) => metricOf(values, metric, direction, m.output);
    return result.map((_, m) => ofOutput(graph.modules[m]) ?? NaN);
  }
  for (const node of graph.nodes) {
    add(result, node.module, metricOf(values, metric, direction, node.id));
  }
  for (let m = result.length - 1; m >= 0; m--) {
    add(result, graph.modules[m].parent, result[m]);
  }
  return result;
}

function add(sums: Float64Array, at: number, value: number): void {
  if (at >= 0 && !Number.isNaN(value)) {
    sums[at] = (Number.isNaN(sums[at]) ? 0 : sums[at]) + value;
  }
}
