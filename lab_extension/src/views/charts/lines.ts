// Line charts over iterations: uPlot in the project's look.

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

import { h } from '../dom';
import { onThemeChange, readTheme, withAlpha } from '../theme';
import type { Theme } from '../theme';
import { Readout } from './readout';
import type { Line } from './readout';

export interface LineOptions {
  label: string;
  lines: Line[];
  height: number;
  format: (value: number) => string;
  log?: boolean;
  /** y axis begins at nought. */
  fromZero?: boolean;
  /** Behind the lines: a band of values and what it means. */
  band?: { from: number; to: number; label: string };
  /** Positions on the y axis; uPlot's own when left out. */
  splits?: (low: number, high: number) => number[];
  /** More to say about an iteration; '' nothing. */
  note?: (iteration: number) => string;
  onPick?: (iteration: number) => void;
}

type Points = (number | null)[];

export class LineChart {
  readonly element: HTMLElement;
  private readonly readout: Readout;
  private readonly plot = h('div', { class: 'fbc-plot', role: 'img' });
  private readonly resized: ResizeObserver;
  private readonly stopTheme: () => void;
  private chart: uPlot | null = null;
  private data: uPlot.AlignedData = [[]];
  private bad = new Set<number>();
  private cursor: number | null = null;

  constructor(private readonly options: LineOptions) {
    this.plot.style.height = `${options.height}px`;
    this.readout = new Readout(options.lines, options.format);
    this.element = h('div', { class: 'fbc-lines' }, this.readout.element, this.plot);
    this.resized = new ResizeObserver(() => this.fit());
    this.resized.observe(this.plot);
    this.stopTheme = onThemeChange(() => this.rebuild());
    this.plot.addEventListener('click', () => this.pick());
  }

  /** `bad` lists the iterations in which a value was not a number; `summary` is read aloud. */
  setData(iterations: number[], lines: number[][], summary: string, bad: number[] = []): void {
    const drawable = (value: number) =>
      Number.isFinite(value) && (!this.options.log || value > 0) ? value : null;
    const points: Points[] = lines.map(values => values.map(drawable));
    this.data = [iterations, ...points] as uPlot.AlignedData;
    this.bad = new Set(bad);
    this.plot.setAttribute('aria-label', `${this.options.label}. ${summary}`);
    if (this.chart) this.chart.setData(this.data);
    else this.rebuild();
    this.readPoint(null);
  }

  setCursor(iteration: number | null): void {
    if (iteration === this.cursor) return;
    this.cursor = iteration;
    this.chart?.redraw(false);
  }

  dispose(): void {
    this.resized.disconnect();
    this.stopTheme();
    this.chart?.destroy();
    this.chart = null;
  }

  private fit(): void {
    const width = this.plot.clientWidth;
    if (width === 0) return; // hidden
    if (this.chart) this.chart.setSize({ width, height: this.options.height });
    else this.rebuild();
  }

  private rebuild(): void {
    this.chart?.destroy();
    this.chart = null;
    if (this.plot.clientWidth > 0) {
      const theme = readTheme(this.plot);
      this.readout.color(theme);
      this.chart = new uPlot(this.describe(theme), this.data, this.plot);
    }
  }

  private describe(theme: Theme): uPlot.Options {
    const { options } = this;
    return {
      width: this.plot.clientWidth,
      height: options.height,
      padding: [8, 10, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: { x: { time: false, range: widen }, y: this.scale() },
      axes: [axis(theme, whole), this.valueAxis(theme)],
      series: [{}, ...options.lines.map(line => this.series(line, theme))],
      hooks: {
        setCursor: [u => this.readPoint(u.cursor.idx ?? null)],
        drawAxes: [u => this.drawBand(u, theme)],
        draw: [u => this.drawMarks(u, theme)]
      }
    };
  }

  private scale(): uPlot.Scale {
    const { log, fromZero } = this.options;
    if (log) return { distr: 3, log: 10, range: (_u, low, high) => decades(low, high) };
    if (!fromZero) return {};
    return { range: (_u, _low, high) => [0, high > 0 ? high * 1.06 : 1] };
  }

  private valueAxis(theme: Theme): uPlot.Axis {
    const { format, splits, log } = this.options;
    const label = (value: number) => format(value).replace('.0e', 'e');
    const values = (_u: uPlot, at: number[]) => at.map(v => (v == null ? '' : label(v)));
    const own = log ? powersOfTen : splits;
    const base = axis(theme, values);
    const size = 56;
    if (!own) return { ...base, size };
    return { ...base, size, splits: (_u, _a, low, high) => own(low, high) };
  }

  private series(line: Line, theme: Theme): uPlot.Series {
    const color = line.color(theme);
    return {
      label: line.label,
      stroke: color,
      width: line.width ?? 1.5,
      dash: line.dash,
      fill: line.fill ? withAlpha(color, line.fill) : undefined,
      points: { show: this.data[0].length < 2, size: 5, fill: color },
      spanGaps: false
    };
  }

  /** What the chart says at a position; of the latest one while the pointer is elsewhere. */
  private readPoint(at: number | null): void {
    const [iterations, ...values] = this.data;
    const point = at ?? iterations.length - 1;
    const iteration = iterations[point];
    const note = iteration === undefined ? '' : this.options.note?.(iteration);
    this.readout.show(iteration, values.map(column => column[point]), note);
  }

  private pick(): void {
    const at = this.chart?.cursor.idx;
    if (at != null) this.options.onPick?.(this.data[0][at]!);
  }

  private drawBand(u: uPlot, theme: Theme): void {
    const { band } = this.options;
    if (!band) return;
    const { left, top, width, height } = u.bbox;
    const clamp = (y: number) => Math.min(top + height, Math.max(top, y));
    const [upper, lower] = [band.to, band.from].map(v => clamp(u.valToPos(v, 'y', true)));
    u.ctx.save();
    u.ctx.fillStyle = withAlpha(theme.textFaint, 0.1);
    u.ctx.fillRect(left, upper!, width, lower! - upper!);
    if (lower! - upper! > 16 * devicePixelRatio) {
      u.ctx.fillStyle = theme.textFaint;
      u.ctx.font = `${10 * devicePixelRatio}px ${theme.font}`;
      u.ctx.textBaseline = 'top';
      u.ctx.textAlign = 'right';
      u.ctx.fillText(band.label, left + width - 4, upper! + 3 * devicePixelRatio);
    }
    u.ctx.restore();
  }

  /** The time cursor, and where a value was not a number. */
  private drawMarks(u: uPlot, theme: Theme): void {
    const { top, height } = u.bbox;
    const { ctx } = u;
    ctx.save();
    const place = (iteration: number) => u.valToPos(iteration, 'x', true);
    if (this.cursor !== null) {
      ctx.strokeStyle = theme.accent;
      ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
      line(ctx, place(this.cursor), top, place(this.cursor), top + height);
      ctx.setLineDash([]);
    }
    ctx.restore();
    this.drawBad(u, theme);
  }

  /** A cross where values stopped being numbers, and a line for as long as that lasted. */
  private drawBad(u: uPlot, theme: Theme): void {
    const { left, top, width } = u.bbox;
    const size = 3.5 * devicePixelRatio;
    const y = top + 2 * size;
    const place = (at: number) => Math.min(left + width, u.valToPos(this.data[0][at]!, 'x', true));
    u.ctx.save();
    u.ctx.strokeStyle = theme.error;
    u.ctx.lineWidth = 1.75 * devicePixelRatio;
    for (const [from, to] of this.badRuns()) {
      const x = place(from);
      line(u.ctx, x - size, y - size, x + size, y + size);
      line(u.ctx, x - size, y + size, x + size, y - size);
      if (to > from) line(u.ctx, x + 2 * size, y, Math.max(x + 2 * size, place(to)), y);
    }
    u.ctx.restore();
  }

  /** First and last positions of the stretches that are bad. */
  private badRuns(): [number, number][] {
    const runs: [number, number][] = [];
    this.data[0].forEach((iteration, at) => {
      if (!this.bad.has(iteration)) return;
      const last = runs[runs.length - 1];
      if (last?.[1] === at - 1) last[1] = at;
      else runs.push([at, at]);
    });
    return runs;
  }
}

function line(ctx: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number) {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

function axis(theme: Theme, values: (u: uPlot, at: number[]) => string[]): uPlot.Axis {
  return {
    stroke: theme.textFaint,
    font: `11px ${theme.font}`,
    grid: { stroke: withAlpha(theme.line, 0.7), width: 1 },
    ticks: { show: false },
    values,
    size: 22,
    gap: 4
  };
}

/** A single iteration still needs an axis with some length. */
function widen(_u: uPlot, low: number, high: number): [number, number] {
  return low < high ? [low, high] : [(low ?? 0) - 0.5, (high ?? 0) + 0.5];
}

/** Labels of whole numbers only: there is no iteration 2.5. */
function whole(_u: uPlot, at: number[]): string[] {
  return at.map(value => (Number.isInteger(value) ? String(value) : ''));
}

function decades(low: number, high: number): [number, number] {
  if (!(low > 0) || !(high > 0)) return [0.1, 10];
  return [10 ** Math.floor(Math.log10(low)), 10 ** Math.ceil(Math.log10(high) + 1e-9)];
}

function powersOfTen(low: number, high: number): number[] {
  const from = Math.ceil(Math.log10(low) - 1e-9);
  const to = Math.floor(Math.log10(high) + 1e-9);
  const step = Math.max(1, Math.ceil((to - from) / 4));
  const powers: number[] = [];
  for (let power = from; power <= to; power += step) powers.push(Number(`1e${power}`));
  return powers;
}
