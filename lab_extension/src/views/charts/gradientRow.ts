// One parameter's row.

import { h } from '../dom';
import { formatNumber, formatShare } from '../format';
import { withAlpha } from '../theme';
import type { GradientFacts, Pace, StripCell } from './gradientHistory';
import { Surface } from './surface';
import type { Pen } from './surface';

export interface RowData {
  name: string;
  facts: GradientFacts;
  cells: StripCell[];
  /** log10 of the smallest and largest norm, the same for all rows. */
  range: [number, number] | null;
}

const SIGNS: Record<Pace, string> = { tiny: '▾', healthy: '●', large: '▴', unknown: '' };

export class GradientRow {
  readonly element: HTMLElement;
  private readonly name = h('span', { class: 'fbc-param-name fb-mono' });
  private readonly norm = h('span', { class: 'fbc-param-norm' });
  private readonly ratio = h('span', { class: 'fbc-param-ratio' });
  private readonly zeros = h('span', { class: 'fbc-param-zeros' });
  private readonly strip: Surface;
  private data: RowData | null = null;

  constructor(id: string, index: number) {
    this.strip = new Surface(pen => this.paint(pen));
    this.strip.canvas.classList.add('fbc-param-strip');
    const parts = [this.name, this.strip.canvas, this.norm, this.ratio, this.zeros];
    const attributes = { id, class: 'fbc-param', role: 'option', 'data-row': index };
    this.element = h('div', attributes, ...parts);
  }

  show(data: RowData, selected: boolean, marked: boolean): void {
    const { facts, name } = data;
    this.data = data;
    this.name.textContent = `\u2066${name}\u2069`; // shortened at its beginning: see charts.css
    this.name.title = name;
    this.norm.textContent = facts.bad > 0 ? '✕ NaN' : formatNumber(facts.norm);
    this.norm.classList.toggle('fbc-bad', facts.bad > 0);
    this.showRatio(facts);
    this.zeros.textContent = formatShare(facts.zeros);
    this.element.setAttribute('aria-selected', String(selected));
    this.element.setAttribute('aria-label', spoken(name, facts));
    this.element.classList.toggle('fbc-marked', marked);
    this.strip.repaint();
  }

  dispose(): void {
    this.strip.dispose();
    this.element.remove();
  }

  private showRatio({ ratio, pace }: GradientFacts): void {
    const known = pace !== 'unknown';
    const sign = h('span', { class: `fbc-pace fbc-pace-${pace}` }, `${SIGNS[pace]} ${pace}`);
    const number = h('span', {}, known ? formatNumber(ratio) : '–');
    this.ratio.replaceChildren(number, known ? sign : '');
  }

  private paint({ context, width, height, theme }: Pen): void {
    const { cells, range } = this.data ?? { cells: [], range: null };
    const [low, high] = range ?? [0, 1];
    const step = Math.min(14, width / Math.max(1, cells.length));
    const gap = step > 4 ? 1 : 0;
    context.fillStyle = theme.line;
    context.fillRect(0, height - 1, width, 1);
    cells.forEach(({ norm, bad }, n) => {
      if (bad || !(norm > 0)) return;
      const share = (Math.log10(norm) - low) / (high - low);
      const tall = Math.max(2, share * height);
      context.fillStyle = withAlpha(theme.accent, 0.35 + 0.65 * share);
      context.fillRect(n * step, height - tall, Math.max(0.5, step - gap), tall);
    });
    context.font = `600 10px ${theme.font}`;
    for (const [from, to] of badRuns(cells)) {
      context.fillStyle = theme.error;
      context.fillRect(from * step, 0, Math.max(2, (to - from) * step - gap), height);
      context.fillStyle = theme.surface;
      if ((to - from) * step > 30) context.fillText('NaN', from * step + 4, height / 2 + 4);
    }
  }
}

/** Stretches of cells, [from, to), with a NaN in each: too many single marks say less. */
function badRuns(cells: StripCell[]): [number, number][] {
  const runs: [number, number][] = [];
  cells.forEach(({ bad }, n) => {
    const last = runs[runs.length - 1];
    if (bad && last?.[1] === n) last[1] = n + 1;
    else if (bad) runs.push([n, n + 1]);
  });
  return runs;
}

function spoken(name: string, { norm, ratio, pace, zeros, bad }: GradientFacts): string {
  const parts = [name, bad > 0 ? 'NaN in its gradient' : `gradient norm ${formatNumber(norm)}`];
  if (pace !== 'unknown') parts.push(`update to weight ${formatNumber(ratio)}, ${pace}`);
  if (Number.isFinite(zeros)) parts.push(`${formatShare(zeros)} zeros`);
  return parts.join(', ');
}
