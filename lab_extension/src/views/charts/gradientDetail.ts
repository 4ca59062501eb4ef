// One parameter from near: its gradient's norm, its updates, its gradient's values.

import { h } from '../dom';
import { formatNumber } from '../format';
import { gradientFacts, groups, LARGE_UPDATE, TINY_UPDATE } from './gradientHistory';
import type { GradientFacts, Parameter } from './gradientHistory';
import { HistogramChart } from './histogramChart';
import { histogramGrid } from './histogramGrid';
import { LineChart } from './lines';
import type { Tables } from './tables';

const POINTS = 2000;
const COLUMNS = 120;
const BINS = 40;

export class GradientDetail {
  readonly element: HTMLElement;
  private readonly title = h('h3', { class: 'fb-mono' });
  private readonly norm: LineChart;
  private readonly ratio: LineChart;
  private readonly values = new HistogramChart(150);

  constructor(onPick: (iteration: number) => void) {
    const common = { height: 150, format: formatNumber, log: true, onPick };
    const line = (label: string) => ({ label, color: accent, width: 1.75 });
    const band = { from: TINY_UPDATE, to: LARGE_UPDATE, label: 'healthy' };
    const norm = 'Norm of the gradient';
    const ratio = 'Update / weight';
    this.norm = new LineChart({ ...common, label: norm, lines: [line('norm')] });
    this.ratio = new LineChart({ ...common, label: ratio, lines: [line('ratio')], band });
    const parts = [
      panel(norm, this.norm.element),
      panel(ratio, this.ratio.element),
      panel('Values of the gradient', this.values.element)
    ];
    const grid = h('div', { class: 'fbc-detail-grid' }, ...parts);
    this.element = h('section', { class: 'fbc-detail', hidden: true }, this.title, grid);
  }

  show(trace: Tables, parameter: Parameter | undefined, cursor: number | null): void {
    this.element.hidden = !parameter;
    if (!parameter) return;
    this.title.textContent = parameter.name;
    const facts = groups(parameter.rows.length, POINTS).map(([from, to]) =>
      strongest(parameter.rows.slice(from, to).map(row => gradientFacts(trace, row)))
    );
    const iterations = facts.map(f => f.iteration);
    const bad = facts.filter(f => f.bad > 0 || !Number.isFinite(f.norm)).map(f => f.iteration);
    const now = facts[facts.length - 1]!;
    this.norm.setData(iterations, [facts.map(f => f.norm)], latest(now.norm), bad);
    this.ratio.setData(iterations, [facts.map(f => f.ratio)], latest(now.ratio));
    for (const chart of [this.norm, this.ratio]) chart.setCursor(cursor);
    const grid = histogramGrid(trace, parameter.rows, COLUMNS, BINS);
    this.values.show(grid, iterations, parameter.name);
  }

  dispose(): void {
    this.norm.dispose();
    this.ratio.dispose();
    this.values.dispose();
  }
}

/** Of a group of iterations the one with the highest norm, a bad one before all. */
function strongest(facts: GradientFacts[]): GradientFacts {
  const rank = (f: GradientFacts) => (f.bad > 0 ? Infinity : f.norm || 0);
  return facts.reduce((best, f) => (rank(f) > rank(best) ? f : best));
}

const accent = (theme: { accent: string }) => theme.accent;

const latest = (value: number) => `Latest value ${formatNumber(value)}`;

/** A chart under its heading. */
export function panel(title: string, ...content: HTMLElement[]): HTMLElement {
  return h('section', { class: 'fbc-chart' }, h('h4', {}, title), ...content);
}
