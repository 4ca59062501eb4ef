// Peak and live memory over the iterations, the peak split by category.

import { CATEGORIES } from '../../trace/schema';
import type { Session } from '../../trace/session';
import { h } from '../dom';
import { formatBytes } from '../format';
import { CATEGORY_COLORS } from '../theme';
import type { Theme } from '../theme';
import { groups } from './gradientHistory';
import { LineChart } from './lines';
import { byteSplits } from './memoryPlot';
import { isSplit, peakSplits } from './memorySplit';
import type { Line } from './readout';
import { STACK_ORDER } from './stackOrder';
import type { Tables } from './tables';

const POINTS = 2000;
const TOP_DOWN = [...STACK_ORDER].reverse();

export class MemoryHistory {
  readonly element = h('div', { class: 'fbc-lines-box' });
  private chart: LineChart | null = null;
  private pooled = false;
  /** Iterations of whose peak only the total is known. */
  private unsplit = new Set<number>();

  constructor(private readonly session: Session) {}

  update(): void {
    const { trace } = this.session;
    const rows = pick(trace);
    if (!this.chart || this.pooled !== usesPool(trace)) this.rebuild(trace);
    const at = (name: string) => {
      const values = trace.column('summaries', name);
      return rows.map(row => values[row] ?? NaN);
    };
    const stacks = stacked(trace, rows);
    const pool = this.pooled ? [at('pool_used'), at('pool_held')] : [];
    const peak = at('peak');
    const lines = [peak, ...stacks, at('live'), peak, ...pool];
    const total = rows.filter(row => !isSplit(trace, row));
    this.unsplit = new Set(total.map(row => trace.column('summaries', 'iteration')[row]!));
    const summary = `Latest peak ${formatBytes(peak[peak.length - 1] ?? NaN)}`;
    this.chart!.setData(at('iteration'), lines, summary);
    this.moveCursor();
  }

  moveCursor(): void {
    this.chart?.setCursor(this.session.cursor.iteration);
  }

  dispose(): void {
    this.chart?.dispose();
  }

  private rebuild(trace: Tables): void {
    this.pooled = usesPool(trace);
    this.chart?.dispose();
    this.chart = new LineChart({
      label: 'Peak and live memory over the iterations',
      lines: [
        unsplitArea,
        ...TOP_DOWN.map(areaLine),
        ...totalLines(),
        ...(this.pooled ? poolLines() : [])
      ],
      height: 140,
      format: formatBytes,
      fromZero: true,
      splits: byteSplits,
      note: at => (this.unsplit.has(at) ? 'by category: not recorded in this iteration' : ''),
      onPick: iteration => this.session.moveTo({ iteration, tick: null })
    });
    this.element.replaceChildren(this.chart.element);
  }
}

/** Of each group of iterations the one with the highest peak. */
function pick(trace: Tables): number[] {
  const peaks = trace.column('summaries', 'peak');
  return groups(peaks.length, POINTS).map(([from, to]) => {
    let best = from;
    for (let row = from; row < to; row++) if (peaks[row]! > peaks[best]!) best = row;
    return best;
  });
}

/** Sums from the bottom up, given from the top down: the areas are painted over one another. */
function stacked(trace: Tables, rows: number[]): number[][] {
  const parts = peakSplits(trace, rows);
  const sums = rows.map(() => 0);
  const layers = STACK_ORDER.map(category =>
    parts.map((bytes, n) => (sums[n]! += bytes[category]!))
  );
  return layers.reverse();
}

function usesPool(trace: Tables): boolean {
  const used = trace.column('summaries', 'pool_held');
  return used.length > 0 && used[used.length - 1]! > 0;
}

/** Seen where the categories do not reach up to the peak: their shares are not known there. */
const unsplitArea: Line = {
  label: '',
  color: ({ line }) => line,
  width: 0,
  fill: 1,
  silent: true
};

const areaLine = (category: number): Line => ({
  label: CATEGORIES[category] ?? '',
  color: theme => tint(CATEGORY_COLORS[category] ?? CATEGORY_COLORS[0], theme),
  width: 0,
  fill: 1,
  silent: true
});

/** Opaque, because the areas lie on one another, and as light as those of the iteration. */
const tint = (color: string, { surface }: Theme) => `color-mix(in srgb, ${color} 60%, ${surface})`;

const text = (theme: Theme) => theme.text;

const totalLines = (): Line[] => [
  { label: 'at its end', color: (theme: Theme) => theme.textSoft, dash: [4, 3], width: 1.25 },
  { label: 'peak', color: text, width: 1.25 }
];

const poolLines = (): Line[] => [
  { label: 'pool used', color: (theme: Theme) => theme.accent, dash: [2, 2] },
  { label: 'pool held', color: (theme: Theme) => theme.accent }
];
