// The graph of one iteration: ops, the tensors that flow between them, the modules around them.
// Everything is linear in the rows; nothing recurses and no row number is trusted.

import { GraphBuilder } from './graph-builder';
import type { Gradientless } from './passes';
import type { Trace } from './trace';

/** An op of the forward pass, or a tensor that comes from outside. */
export interface GraphNode {
  kind: 'op' | 'data';
  id: number;
  /** Its place among the nodes of its kind: the same in each iteration of equal structure. */
  nth: number;
  /** Row of `ops`, -1 for data. */
  row: number;
  /** The op's output or the data itself: row of `tensors`, -1 none. */
  tensor: number;
  name: string;
  /** Index into `Graph.modules`, -1 outside any. */
  module: number;
  /** As in the trace: "32,16,8,8"; null when there is no output. */
  shape: string | null;
  failed: boolean;
}

/** One call of a module. A module called twice appears twice. */
export interface GraphModule {
  id: number;
  /** Row of `calls`. */
  call: number;
  path: string;
  /** Last part of the path, or the class. */
  name: string;
  /** "Conv2d(1, 16, …)" */
  kind: string;
  /** The path, with "#2" on a second call: stable between iterations. */
  key: string;
  parent: number;
  depth: number;
  /** How many ops ran inside, and which of them gave its output (-1 unknown). */
  ops: number;
  output: number;
  failed: boolean;
}

export interface GraphError {
  /** Row of `errors`. */
  row: number;
  kind: string;
  message: string;
  /** The failing node, or else the module it happened in; -1 unknown. */
  node: number;
  module: number;
}

export interface Graph {
  iteration: number;
  /** `Trace.epoch` when this was derived: rows are valid while it is the same. */
  epoch: number;
  /** The segment of those rows, by which the kernel knows them. */
  segment: number;
  nodes: GraphNode[];
  modules: GraphModule[];
  /** Edge i runs from node `from[i]` to node `to[i]` and carries tensor `carries[i]`. */
  from: Int32Array;
  to: Int32Array;
  carries: Int32Array;
  errors: GraphError[];
  /** What is left out of the graph, unless all was asked for. */
  gradientless: Gradientless;
  /** Equal for equal structure, whatever the shapes and values. */
  signature: string;
}

/** `whole`: with the passes that led to no gradients in an iteration that has some. */
export function deriveGraph(trace: Trace, iteration: number, whole = false): Graph {
  return new GraphBuilder(trace, iteration, whole).build();
}

/** A module and the modules around it, innermost first. */
export function enclosing(graph: Graph, module: number): GraphModule[] {
  const chain: GraphModule[] = [];
  for (let m = module; m >= 0; m = graph.modules[m].parent) {
    chain.push(graph.modules[m]);
  }
  return chain;
}
