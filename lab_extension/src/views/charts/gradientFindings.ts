// What is evident from the gradients' numbers, in sentences.

import { formatNumber, plural } from '../format';
import { gradientFacts, LARGE_UPDATE, TINY_UPDATE } from './gradientHistory';
import type { GradientFacts, GradientHistory, Parameter } from './gradientHistory';
import { finiteLosses, lossRows } from './losses';
import type { Tables } from './tables';

export interface Finding {
  kind: 'nan' | 'exploding' | 'vanishing' | 'none' | 'large' | 'tiny' | 'note' | 'fine';
  text: string;
  /** The parameter to look at, '' when it concerns all. */
  parameter: string;
}

const VANISHED = 1e-3;
const EXPLODED = 1e3;
const RECENT = 5;
const HUGE = 100;
const ZEROS = 0.99;
/** Rates that move nothing: on their own, or as a share of what the rate once was. */
const NO_RATE = 1e-8;
const ENDED_RATE = 1e-3;

/** The findings, worst first; one that says so when nothing stands out. */
export function gradientFindings(trace: Tables, history: GradientHistory): Finding[] {
  if (!history.parameters.length) return lossFinding(trace);
  const latest = history.parameters.map(p => recent(trace, p));
  const bad = nanFinding(trace, history);
  const dead = deadFinding(trace, history);
  const risen = bad.length || dead.length ? [] : risenLoss(trace);
  const found = [
    ...lossFinding(trace),
    ...bad,
    ...dead,
    ...risen,
    ...(dead.length ? [] : noGradient(trace, history, latest)),
    ...(bad.length || dead.length ? [] : acrossLayers(history, latest)),
    ...(bad.length ? [] : growing(trace, history)),
    ...paces(trace, history, latest, bad.length + dead.length + risen.length > 0)
  ];
  return found.length ? found : [fine(history.parameters.map(p => newest(trace, p)))];
}

/** What the table's row shows. */
function newest(trace: Tables, { rows }: Parameter): GradientFacts {
  return gradientFacts(trace, rows[rows.length - 1]!);
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

/** A loss that is now far above the first one: one odd batch alone is no finding. */
function risenLoss(trace: Tables): Finding[] {
  const losses = finiteLosses(trace);
  const first = losses[0] ?? NaN;
  const now = Math.min(...losses.slice(1).slice(-2));
  if (!(first > 0 && losses.length > 1 && now > HUGE * first)) return [];
  const sizes = `${formatNumber(first)} to ${formatNumber(losses[losses.length - 1]!)}`;
  const text = `The loss has grown from ${sizes}: the learning rate is too large.`;
  return [{ kind: 'exploding', text, parameter: '' }];
}

/** Gradients that are 0 after the loss was very high: a step has killed the units. */
function deadFinding(trace: Tables, history: GradientHistory): Finding[] {
  const losses = finiteLosses(trace);
  const high = losses.reduce((a, b) => Math.max(a, b), 0);
  if (!(losses[0]! > 0 && high > HUGE * losses[0]!)) return [];
  const names = history.parameters.filter(p => isZero(newest(trace, p))).map(p => p.name);
  if (!names.length) return [];
  const many = names.length > 1;
  const [what, are, their] = many ? ['gradients', 'are', 'their'] : ['gradient', 'is', 'its'];
  const text =
    `The learning rate is too large: the ${what} of ${naming(names)} ${are} 0, ` +
    `${their} units are dead (the loss went from ${formatNumber(losses[0]!)} up to ` +
    `${formatNumber(high)}).`;
  return [{ kind: 'none', text, parameter: names[0]! }];
}

function isZero(facts: GradientFacts): boolean {
  return facts.bad === 0 && (facts.norm === 0 || facts.zeros >= ZEROS);
}

/** Backward runs from the last layer to the first: the last one that is bad was bad first. */
function nanFinding(trace: Tables, history: GradientHistory): Finding[] {
  const [nans, norms] = ['nans', 'norm'].map(name => trace.column('gradients', name));
  const iteration = trace.column('gradients', 'iteration');
  // a norm may overflow before any element does
  const isBad = (row: number) => nans![row]! > 0 || norms![row] === Infinity;
  let first = Infinity;
  for (let row = 0; row < iteration.length; row++) {
    if (isBad(row)) first = Math.min(first, iteration[row]!);
  }
  if (first === Infinity) return [];
  const isFirst = (row: number) => iteration[row] === first && isBad(row);
  const names = history.parameters.filter(p => p.rows.some(isFirst)).map(p => p.name);
  const name = names[names.length - 1] ?? '';
  const others = names.length > 1 ? ` and ${plural(names.length - 1, 'other parameter')}` : '';
  const text =
    `NaN or Inf first appears at iteration ${first}, in the gradient of ${name}${others}` +
    (names.length > 1 ? `; ${name} is the nearest to the loss.` : '.');
  return [{ kind: 'nan', text: text + growthBefore(trace, history, first), parameter: name }];
}

/** What had grown before a NaN, as a sentence; '' when nothing had. */
function growthBefore(trace: Tables, history: GradientHistory, until: number): string {
  const losses = finiteLosses(trace, until);
  const [first, last] = [losses[0]!, losses[losses.length - 1]!];
  if (first > 0 && last > 10 * first) {
    const sizes = `${formatNumber(first)} to ${formatNumber(last)}`;
    return ` Before that the loss had grown from ${sizes}: the learning rate is too large.`;
  }
  const ratio = largestUpdate(trace, history, until);
  const text = ` Before that a step changed weights by ${formatNumber(ratio)} of their size.`;
  return ratio > LARGE_UPDATE ? text : '';
}

/** The largest that a step has changed weights by, before an iteration. */
function largestUpdate(trace: Tables, history: GradientHistory, until = Infinity): number {
  const update = trace.column('gradients', 'update');
  const weight = trace.column('gradients', 'weight');
  const iteration = trace.column('gradients', 'iteration');
  let largest = 0;
  for (const { name, rows } of history.parameters) {
    for (const row of name.endsWith('weight') ? rows : []) {
      const ratio = update[row]! / weight[row]!;
      if (iteration[row]! < until && Number.isFinite(ratio)) largest = Math.max(largest, ratio);
    }
  }
  return largest;
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
function paces(
  trace: Tables,
  history: GradientHistory,
  latest: GradientFacts[],
  explained: boolean
): Finding[] {
  const ratios = latest
    .filter((facts, n) => history.parameters[n]!.name.endsWith('weight') && !isZero(facts))
    .map(facts => facts.ratio)
    .filter(ratio => Number.isFinite(ratio));
  if (!ratios.length) return [];
  const typical = median(ratios);
  const size = `a step changes the weights by ${formatNumber(typical)} of their size`;
  if (typical > LARGE_UPDATE) {
    const text = `Updates are large: ${size} (1e-3 is usual). Try a smaller learning rate.`;
    return [{ kind: 'large', text, parameter: '' }];
  }
  if (typical >= TINY_UPDATE || explained) return [];
  const rate = noRate(trace);
  if (rate) return [{ kind: 'note', text: rate, parameter: '' }];
  const advice = mayGoFaster(trace, history) ? ' Try a larger learning rate.' : '';
  const text = `Updates are tiny: ${size} (1e-3 is usual).${advice}`;
  return [{ kind: 'tiny', text, parameter: '' }];
}

/** Says that the learning rate is (nearly) 0, '' when it is not. */
function noRate(trace: Tables): string {
  const rates = trace.column('steps', 'rate');
  const optimizers = trace.column('steps', 'optimizer');
  const last = trace.rows('steps') - 1;
  if (last < 0) return '';
  const rate = rates[last]!;
  let most = rate;
  for (let row = 0; row < last; row++) {
    if (optimizers[row] === optimizers[last]) most = Math.max(most, rates[row]!);
  }
  if (!(rate <= NO_RATE || rate < ENDED_RATE * most)) return '';
  return most > rate
    ? `The learning rate is down to ${formatNumber(rate)}, so nothing moves any more.`
    : `The learning rate is ${formatNumber(rate)}, so nothing moves.`;
}

/** Whether a larger learning rate is sound advice: not when anything hints at too large a one. */
function mayGoFaster(trace: Tables, history: GradientHistory): boolean {
  const losses = finiteLosses(trace);
  const last = losses[losses.length - 1]!;
  const best = losses.reduce((a, b) => Math.min(a, b), Infinity);
  if (last > losses[0]! || last > best + Math.abs(best)) return false;
  const now = history.parameters.map(p => newest(trace, p));
  if (now.some(facts => facts.pace === 'large' || isZero(facts))) return false;
  return !(largestUpdate(trace, history) > LARGE_UPDATE);
}

function fine(rows: GradientFacts[]): Finding {
  const norms = rows.map(facts => facts.norm).filter(norm => !Number.isNaN(norm));
  const low = formatNumber(norms.reduce((a, b) => Math.min(a, b), Infinity));
  const range = `${low} to ${formatNumber(norms.reduce((a, b) => Math.max(a, b), 0))}`;
  const count = plural(rows.length, 'parameter');
  const number = (pace: GradientFacts['pace']) => rows.filter(f => f.pace === pace).length;
  const [tiny, large] = [number('tiny'), number('large')];
  if (tiny + large < 2) {
    const text = `Nothing stands out: the gradient norms of ${count} lie from ${range}.`;
    return { kind: 'fine', text, parameter: '' };
  }
  const some = [
    ...(tiny ? [`${tiny} of ${count} ${tiny > 1 ? 'move' : 'moves'} little (tiny)`] : []),
    ...(large ? [`${large} of ${count} ${large > 1 ? 'move' : 'moves'} much (large)`] : [])
  ];
  const text = `${some.join(', ')}; the gradient norms lie from ${range}.`;
  return { kind: 'note', text, parameter: '' };
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
