// Histograms of a gradient's values over the iterations, the stronger the more values.

import { h } from '../dom';
import { formatNumber, formatShare } from '../format';
import { withAlpha } from '../theme';
import type { HistogramGrid } from './histogramGrid';
import { Surface } from './surface';
import type { Pen } from './surface';

const LEFT = 56; // as wide as the axis of the line charts
const RIGHT = 10;
const BOTTOM = 20;

export class HistogramChart {
  readonly element: HTMLElement;
  private readonly surface: Surface;
  private readonly readout = h('div', { class: 'fbc-readout fb-faint' });
  private grid: HistogramGrid | null = null;
  private iterations: number[] = [];

  constructor(height: number) {
    this.surface = new Surface(pen => this.paint(pen));
    const { canvas } = this.surface;
    canvas.style.height = `${height}px`;
    canvas.setAttribute('role', 'img');
    canvas.addEventListener('pointermove', event => this.point(event));
    canvas.addEventListener('pointerleave', () => this.rest());
    this.element = h('div', { class: 'fbc-lines' }, this.readout, canvas);
  }

  /** `iterations` are the first and the last one shown. */
  show(grid: HistogramGrid | null, iterations: number[], name: string): void {
    this.grid = grid;
    this.iterations = iterations;
    const range = grid ? `from ${formatNumber(grid.low)} to ${formatNumber(grid.high)}` : 'unknown';
    const label = `Values of the gradient of ${name} over the iterations, ${range}`;
    this.surface.canvas.setAttribute('aria-label', label);
    this.rest();
    this.surface.repaint();
  }

  dispose(): void {
    this.surface.dispose();
  }

  private rest(): void {
    const none = 'no histogram was recorded for these iterations';
    this.readout.textContent = this.grid ? 'stronger colour: more of the values' : none;
  }

  private point(event: PointerEvent): void {
    const { grid, surface } = this;
    if (!grid) return;
    const x = (event.offsetX - LEFT) / (surface.width - LEFT - RIGHT);
    const y = 1 - event.offsetY / (surface.height - BOTTOM);
    const column = grid.columns[Math.floor(x * grid.columns.length)];
    const bin = column && Math.floor(y * column.length);
    const share = column && bin !== undefined ? column[bin] : undefined;
    if (!column || bin === undefined || share === undefined) return this.rest();
    const edge = (n: number) => grid.low + (n / column.length) * (grid.high - grid.low);
    const range = `${formatNumber(edge(bin))} to ${formatNumber(edge(bin + 1))}`;
    this.readout.textContent = `${formatShare(share)} of the values lie from ${range}`;
  }

  private paint(pen: Pen): void {
    const { context, width, height, theme } = pen;
    const { grid } = this;
    if (!grid) return;
    const [wide, tall] = [width - LEFT - RIGHT, height - BOTTOM];
    const step = wide / grid.columns.length;
    grid.columns.forEach((column, n) => {
      const most = Math.max(...column);
      const cell = tall / column.length;
      column.forEach((share, bin) => {
        if (share <= 0) return;
        context.fillStyle = withAlpha(theme.accent, 0.08 + 0.92 * Math.sqrt(share / most));
        const y = tall - (bin + 1) * cell;
        context.fillRect(LEFT + n * step, y, step + 0.4, cell + 0.4);
      });
    });
    this.paintAxes(pen, grid, tall);
  }

  private paintAxes({ context, width, theme }: Pen, grid: HistogramGrid, tall: number): void {
    context.font = `11px ${theme.font}`;
    context.fillStyle = theme.textFaint;
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (const share of [0, 0.5, 1]) {
      const value = grid.low + share * (grid.high - grid.low);
      const y = Math.min(tall - 6, Math.max(6, tall - share * tall));
      context.fillText(formatNumber(value), LEFT - 8, y);
    }
    context.textBaseline = 'top';
    const [first, last] = [this.iterations[0], this.iterations[this.iterations.length - 1]];
    context.textAlign = 'left';
    context.fillText(String(first ?? ''), LEFT, tall + 6);
    context.textAlign = 'right';
    if (last !== first) context.fillText(String(last ?? ''), width - RIGHT, tall + 6);
  }
}
