// Blocks and peaks in words.

import { formatBytes, formatShape, formatShare } from '../format';
import { CATEGORY_NAMES } from '../theme';
import type { Peak } from './memoryCurve';
import type { MemoryModel } from './memoryModel';
import type { Tables } from './tables';
import { modulePath, sourceLine, textAt, upperBound } from './tables';

/** As a sentence has it: "activations kept for the backward". */
export function categoryName(category: number): string {
  return CATEGORY_NAMES[category] ?? CATEGORY_NAMES[0];
}

/** As a legend has it: "kept for the backward". */
export function categoryLabel(category: number): string {
  return categoryName(category).replace('activations ', '');
}

/** What is known of one block. */
export interface BlockFacts {
  block: number;
  /** "conv2d output 32×16×8×8" or "net.conv1.weight 16×1×3×3". */
  what: string;
  bytes: number;
  category: number;
  /** The op that made it, -1 when it was made elsewhere. */
  op: number;
  path: string;
  line: string;
}

/** Looks up names for blocks; made anew for each version of the trace. */
export class BlockNames {
  private readonly tensor: Int32Array;

  constructor(
    private readonly trace: Tables,
    private readonly model: MemoryModel
  ) {
    this.tensor = tensorOfBlock(trace, model.blocks);
  }

  facts(block: number): BlockFacts {
    const op = validOp(this.trace, this.trace.column('blocks', 'op')[block] ?? -1);
    const category = this.model.category[block]!;
    const where = opPlace(this.trace, op);
    const path = where.path || modulePathOf(this.tensorName(block));
    const what = this.what(block, op);
    return { block, what, bytes: this.model.bytes[block]!, category, op, path, line: where.line };
  }

  /** "conv2d output 32×16×8×8, 128 KB, kept for backward, net.conv1, cell 3 line 9" */
  sentence(block: number): string {
    const { what, bytes, category, path, line } = this.facts(block);
    const parts = [what, formatBytes(bytes), categoryLabel(category), path, line];
    return parts.filter(part => part !== '').join(', ');
  }

  tensorName(block: number): string {
    const tensor = this.tensor[block] ?? -1;
    return tensor < 0 ? '' : textAt(this.trace, 'tensors', 'name', tensor);
  }

  private what(block: number, op: number): string {
    const tensor = this.tensor[block] ?? -1;
    const shape = tensor < 0 ? '' : formatShape(textAt(this.trace, 'tensors', 'shape', tensor));
    const name = this.tensorName(block);
    const subject = name || (op < 0 ? 'tensor' : `${opName(this.trace, op)} output`);
    return `${subject} ${shape}`.trim();
  }
}

/** The op's name, "conv2d backward" in the backward. */
export function opName(trace: Tables, op: number): string {
  const backward = trace.column('ops', 'phase')[op] === 1;
  const name = textAt(trace, 'ops', 'name', op) || 'operation';
  return backward && !/backward/i.test(name) ? `${name} backward` : name;
}

/** Module path and source line; a backward op lies where its forward op does. */
function opPlace(trace: Tables, op: number): { path: string; line: string } {
  if (op < 0) return { path: '', line: '' };
  const forward = validOp(trace, trace.column('ops', 'forward')[op] ?? -1);
  const read = (row: number) => ({
    path: modulePath(trace, trace.column('ops', 'call')[row] ?? -1),
    line: sourceLine(trace, trace.column('ops', 'line')[row] ?? -1)
  });
  const own = read(op);
  const other = forward >= 0 ? read(forward) : own;
  return { path: own.path || other.path, line: own.line || other.line };
}

function validOp(trace: Tables, op: number): number {
  return op >= 0 && op < trace.rows('ops') ? op : -1;
}

/** "net.conv1" for "net.conv1.weight". */
export function modulePathOf(parameter: string): string {
  return parameter.slice(0, Math.max(0, parameter.lastIndexOf('.')));
}

/** The first tensor of each block, or the first one that has a name. */
function tensorOfBlock(trace: Tables, blocks: number): Int32Array {
  const tensor = new Int32Array(blocks).fill(-1);
  const block = trace.column('tensors', 'block');
  const name = trace.column('tensors', 'name');
  for (let row = 0; row < block.length; row++) {
    const at = block[row]!;
    if (!(at >= 0 && at < blocks)) continue;
    const known = tensor[at]!;
    if (known < 0 || (name[known] === 0 && name[row] !== 0)) tensor[at] = row;
  }
  return tensor;
}

export interface PeakStory {
  text: string;
  /** The ops that made the biggest blocks of the leading category. */
  ops: number[];
  path: string | null;
}

const OPS_SHOWN = 200;
const UNKEPT = 'values not kept for the backward';

/** "Peak 3.2 MB in the forward of conv2d (net.conv2): 61 % is activations kept for the …" */
export function explainPeak(
  trace: Tables,
  model: MemoryModel,
  names: BlockNames,
  peak: Peak
): PeakStory | null {
  if (!(peak.bytes > 0)) return null;
  const leader = peak.byCategory.indexOf(Math.max(...peak.byCategory));
  const mine = (block: number) => model.category[block] === leader;
  const { blocks } = model.biggest(peak.tick, OPS_SHOWN, mine);
  const ops = [...new Set(blocks.map(block => names.facts(block).op))].filter(op => op >= 0);
  const share = formatShare(peak.byCategory[leader]! / peak.bytes);
  const largest = blocks.length ? `, ${largestIs(names, blocks[0]!)}` : '';
  const text =
    `Peak ${formatBytes(peak.bytes)} ${peakPlace(trace, names, peak)}: ` +
    `${share} is ${leader === 0 ? UNKEPT : categoryName(leader)}${largest}.`;
  return { text, ops: ops.sort((a, b) => a - b), path: null };
}

/** "in the forward of conv2d (net.conv2)" */
function peakPlace(trace: Tables, names: BlockNames, peak: Peak): string {
  if (peak.block < 0) return 'at the very beginning';
  let { op } = names.facts(peak.block);
  if (op < 0) op = lastOp(trace, peak.tick);
  if (op < 0) return 'before the first operation';
  const phase = trace.column('ops', 'phase')[op] === 1 ? 'backward' : 'forward';
  const { path } = opPlace(trace, op);
  const name = textAt(trace, 'ops', 'name', op) || 'an operation';
  return `in the ${phase} of ${name}${path ? ` (${path})` : ''}`;
}

/** "the largest from relu in net.act1 (cell 4 line 7)" */
function largestIs(names: BlockNames, block: number): string {
  const { what, op, path, line } = names.facts(block);
  const where = line ? ` (${line})` : '';
  const article = names.tensorName(block) ? '' : 'an earlier ';
  if (op < 0) return `the largest is ${article}${what}${where}`;
  const maker = what.replace(/ output.*$/, '');
  return `the largest from ${maker}${path ? ` in ${path}` : ''}${where}`;
}

/** "relu (net.act1)": the op that ran at a tick, '' before the first one. */
export function opAt(trace: Tables, tick: number): string {
  const op = Math.max(lastOp(trace, tick), makerOfLastBlock(trace, tick));
  if (op < 0) return '';
  const { path } = opPlace(trace, op);
  return `${opName(trace, op)}${path ? ` (${path})` : ''}`;
}

function lastOp(trace: Tables, tick: number): number {
  return upperBound(trace.column('ops', 'tick'), tick) - 1;
}

/** A recorder may write an op down when it is done: its blocks are older than itself. */
function makerOfLastBlock(trace: Tables, tick: number): number {
  const block = upperBound(trace.column('blocks', 'tick'), tick) - 1;
  return block < 0 ? -1 : validOp(trace, trace.column('blocks', 'op')[block] ?? -1);
}
