// What is evident from the gradients' numbers, in sentences.

import { formatNumber, plural } from '../format';
import { gradientFacts, LARGE_UPDATE, TINY_UPDATE } from './gradientHistory';
import type { GradientFacts, GradientHistory, Parameter } from './gradientHistory';
import { lossRows } from './losses';
import type { Tables } from './tables';

export interface Finding {
  kind: 'nan' | 'exploding' | 'vanishing' | 'none' | 'large' | 'tiny' | 'fine';
  text: string;
  /** The parameter to look at, '' when it concerns all. */
  parameter: string;
}

const VANISHED = 1e-3;
const EXPLODED = 1e3;
const RECENT = 5;

/** The findings, worst first; one that says so when nothing stands out. */
export function gradientFindings(trace: Tables, history: GradientHistory): Finding[] {
  if (!history.parameters.length) return lossFinding(trace);
  const latest = history.parameters.map(p => recent(trace, p));
  const bad = nanFinding(trace, history);
  const found = [
    ...lossFinding(trace),
    ...bad,
    ...noGradient(trace, history, latest),
    ...(bad.length ? [] : acrossLayers(history, latest)),
    ...(bad.length ? [] : growing(trace, history)),
    ...paces(history, latest)
  ];
  return found.length ? found : [fine(latest, history)];
}

/** Medians over the last few iterations: one odd batch is no finding. */
function recent(trace: Tables, parameter: Parameter): GradientFacts {
  const facts = parameter.rows.slice(-RECENT).map(row => gradientFacts(trace, row));
  const last = facts[facts.length - 1]!;
  const norm = median(facts.map(f => f.norm));
  return { ...last, norm, ratio: median(facts.map(f => f.ratio)) };
}

function lossFinding(trace: Tables): Finding[] {
  const rows = lossRows(trace);
  const loss = rows.map(row => trace.column('summaries', 'loss')[row]!);
  const iteration = rows.map(row => trace.column('summaries', 'iteration')[row]!);
  const last = loss.length - 1;
  const seen = loss.findIndex(value => Number.isFinite(value));
  // only a loss that was a number before has gone bad
  const infinite = loss.findIndex(value => Math.abs(value) === Infinity);
  const gone = seen >= 0 && last > seen && Number.isNaN(loss[last]!);
  if (infinite < 0 && !gone) return [];
  let first = last;
  while (first > 0 && !Number.isFinite(loss[first - 1]!)) first -= 1;
  const at = infinite >= 0 ? Math.min(infinite, first) : first;
  const what = Math.abs(loss[at]!) === Infinity ? 'infinite' : 'NaN';
  const text = `The loss is ${what} at iteration ${iteration[at]}.`;
  return [{ kind: 'nan', text, parameter: '' }];
}

/** Backward runs from the last layer to the first: the last one that is bad was bad first. */
function nanFinding(trace: Tables, history: GradientHistory): Finding[] {
  const nans = trace.column('gradients', 'nans');
  const iteration = trace.column('gradients', 'iteration');
  let first = Infinity;
  for (let row = 0; row < nans.length; row++) {
    if (nans[row]! > 0) first = Math.min(first, iteration[row]!);
  }
  if (first === Infinity) return [];
  const isBad = (row: number) => iteration[row] === first && nans[row]! > 0;
  const names = history.parameters.filter(p => p.rows.some(isBad)).map(p => p.name);
  const name = names[names.length - 1] ?? '';
  const others = names.length > 1 ? ` and ${plural(names.length - 1, 'other parameter')}` : '';
  const text =
    `NaN or Inf first appears at iteration ${first}, in the gradient of ${name}${others}` +
    (names.length > 1 ? '; it is the nearest to the loss.' : '.');
  return [{ kind: 'nan', text, parameter: name }];
}

function noGradient(trace: Tables, history: GradientHistory, latest: GradientFacts[]): Finding[] {
  const newest = Math.max(...latest.map(facts => facts.iteration));
  const silent = history.parameters.filter((parameter, n) => {
    const missed = newest - latest[n]!.iteration;
    return missed > RECENT || parameter.rows.every(row => isSilent(gradientFacts(trace, row)));
  });
  if (!silent.length) return [];
  const parameter = silent[0]!.name;
  const all = silent.length === history.parameters.length;
  const subject = all ? 'No parameter' : naming(silent.map(p => p.name));
  const verb = all || silent.length === 1 ? 'gets' : 'get';
  const text = all
    ? 'No parameter gets a gradient: all norms are 0. Was backward() called on this loss?'
    : `${subject} ${verb} no gradient: unused in the loss, detached, or behind dead units.`;
  return [{ kind: 'none', text, parameter }];
}

function isSilent(facts: GradientFacts): boolean {
  return facts.bad === 0 && (facts.norm === 0 || Number.isNaN(facts.norm));
}

/** Compares the first layers' weights with the last ones'. */
function acrossLayers(history: GradientHistory, latest: GradientFacts[]): Finding[] {
  const weights = history.parameters
    .map((parameter, n) => ({ name: parameter.name, norm: latest[n]!.norm }))
    .filter(({ name, norm }) => name.endsWith('weight') && norm > 0 && Number.isFinite(norm));
  if (weights.length < 3) return [];
  const part = Math.max(1, Math.floor(weights.length / 4));
  const early = median(weights.slice(0, part).map(w => w.norm));
  const late = median(weights.slice(-part).map(w => w.norm));
  const first = weights[0]!.name;
  const sizes = `${formatNumber(early)} in ${first}, ${formatNumber(late)} in the last layers`;
  if (early < late * VANISHED) {
    const text = `The gradient vanishes on its way to the first layers: ${sizes}.`;
    return [{ kind: 'vanishing', text, parameter: first }];
  }
  if (early > late * EXPLODED) {
    const text = `The gradient explodes on its way to the first layers: ${sizes}.`;
    return [{ kind: 'exploding', text, parameter: first }];
  }
  return [];
}

/** A parameter whose gradient is now far above what it was at the beginning. */
function growing(trace: Tables, history: GradientHistory): Finding[] {
  const norms = trace.column('gradients', 'norm');
  let worst: { name: string; before: number; now: number } | null = null;
  for (const { name, rows } of history.parameters) {
    if (rows.length < 2 * RECENT) continue;
    const before = median(rows.slice(0, RECENT).map(row => norms[row]!));
    const now = median(rows.slice(-RECENT).map(row => norms[row]!));
    if (now > 1 && before > 0 && now / before > EXPLODED) {
      if (!worst || now / before > worst.now / worst.before) worst = { name, before, now };
    }
  }
  if (!worst) return [];
  const sizes = `${formatNumber(worst.before)} at first, ${formatNumber(worst.now)} now`;
  const text = `The gradient of ${worst.name} explodes: ${sizes}.`;
  return [{ kind: 'exploding', text, parameter: worst.name }];
}

/** Biases start at zero and move fast: only weights say something about the learning rate. */
function paces(history: GradientHistory, latest: GradientFacts[]): Finding[] {
  const ratios = history.parameters
    .map((parameter, n) => ({ name: parameter.name, ratio: latest[n]!.ratio }))
    .filter(({ name, ratio }) => name.endsWith('weight') && Number.isFinite(ratio));
  if (!ratios.length) return [];
  const typical = median(ratios.map(r => r.ratio));
  const size = `a step changes the weights by ${formatNumber(typical)} of their size`;
  if (typical > LARGE_UPDATE) {
    const text = `Updates are large: ${size} (1e-3 is usual). Try a smaller learning rate.`;
    return [{ kind: 'large', text, parameter: '' }];
  }
  if (typical < TINY_UPDATE) {
    const text = `Updates are tiny: ${size} (1e-3 is usual). Try a larger learning rate.`;
    return [{ kind: 'tiny', text, parameter: '' }];
  }
  return [];
}

function fine(latest: GradientFacts[], history: GradientHistory): Finding {
  const norms = latest.map(f => f.norm).filter(norm => norm > 0);
  const range = `${formatNumber(Math.min(...norms))} to ${formatNumber(Math.max(...norms))}`;
  const count = plural(history.parameters.length, 'parameter');
  const text = `Nothing stands out: the gradient norms of ${count} lie from ${range}.`;
  return { kind: 'fine', text, parameter: '' };
}

/** "a", "a and b", "a and 5 others" */
function naming(names: string[]): string {
  if (names.length < 3) return names.join(' and ');
  return `${names[0]} and ${names.length - 1} others`;
}

/** Of the numbers among them; NaN when there are none. */
export function median(values: number[]): number {
  const sorted = values.filter(value => !Number.isNaN(value)).sort((a, b) => a - b);
  return sorted.length ? sorted[Math.floor((sorted.length - 1) / 2)]! : NaN;
}
