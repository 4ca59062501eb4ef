// Pictures of a tensor: its histogram, its values as a heat map and as numbers.

import { SAMPLE_NUMBERS } from '../trace/details';
import type { Sample } from '../trace/details';
import { h, svg } from './dom';
import { formatNumber, formatShare, plural } from './format';

const LABELS: Record<(typeof SAMPLE_NUMBERS)[number], string> = {
  mean: 'mean',
  std: 'std',
  min: 'min',
  max: 'max',
  norm: 'norm',
  zeros: 'zeros',
  nans: 'NaN',
  infs: 'Inf'
};

/** Numbers, histogram, heat map. */
export function sampleElements(sample: Sample): HTMLElement[] {
  const elements = [numberGrid(sample)];
  if (sample.histogram.some(count => count > 0)) {
    elements.push(histogram(sample));
  }
  if (sample.values.length > 0) {
    elements.push(heatMap(sample), numberTable(sample));
  }
  return elements;
}

function numberGrid(sample: Sample): HTMLElement {
  const cells = SAMPLE_NUMBERS.map(name => {
    const value = sample[name];
    const bad = (name === 'nans' || name === 'infs') && value > 0;
    const text = name === 'zeros' ? formatShare(value) : formatNumber(value);
    const label = h('dt', {}, LABELS[name]);
    const number = h('dd', { class: bad ? 'fb-bad' : '' }, bad ? `⚠ ${text}` : text);
    return h('div', {}, label, number);
  });
  return h('dl', { class: 'fb-numbers' }, ...cells);
}

const WIDTH = 256;
const HEIGHT = 56;

function histogram({ histogram: counts, min, max }: Sample): HTMLElement {
  const most = Math.max(...counts);
  const step = WIDTH / counts.length;
  const bars = counts.map((count, i) => {
    const height = (count / most) * (HEIGHT - 2);
    const at = { x: i * step + 0.5, width: step - 1, y: HEIGHT - height, height };
    return svg('rect', { ...at, class: 'fb-bar' });
  });
  const zero = (-min / (max - min)) * WIDTH;
  const hasZero = zero > 0 && zero < WIDTH;
  const line = hasZero && svg('line', { x1: zero, x2: zero, y1: 0, y2: HEIGHT, class: 'fb-zero' });
  const attributes = {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    role: 'img',
    'aria-label': `Histogram of the values from ${formatNumber(min)} to ${formatNumber(max)}`
  };
  const picture = svg('svg', attributes, ...bars, line);
  const place = hasZero ? `left: ${(zero / WIDTH) * 100}%` : 'display: none';
  const middle = h('span', { class: 'fb-zero-label', style: place }, '0');
  const ends = h(
    'div',
    { class: 'fb-ends' },
    h('span', {}, formatNumber(min)),
    h('span', {}, formatNumber(max))
  );
  const near = zero < WIDTH * 0.2 || zero > WIDTH * 0.8;
  return h('div', { class: 'fb-histogram' }, picture, ends, near ? null : middle);
}

/** Rows and columns to draw: the last two dimensions, those before one below the other. */
export function arrange(count: number, shape: number[]): { rows: number; columns: number } {
  const columns = shape.at(-1) ?? 1;
  if (shape.length >= 2 && columns > 0) {
    return { rows: Math.ceil(count / columns), columns };
  }
  const wide = Math.min(count, 16);
  return { rows: Math.ceil(count / Math.max(wide, 1)), columns: wide };
}

function heatMap(sample: Sample): HTMLElement {
  const { rows, columns } = arrange(sample.values.length, sample.shape);
  const label = `${plural(sample.values.length, 'value')} as a heat map, ${rows} by ${columns}`;
  const canvas = h('canvas', { class: 'fb-heat', role: 'img', 'aria-label': label });
  canvas.width = columns;
  canvas.height = rows;
  const size = Math.max(Math.min(Math.floor(256 / columns), Math.floor(200 / rows), 18), 1);
  canvas.style.width = `${columns * size}px`;
  canvas.style.height = `${rows * size}px`;
  drawHeat(canvas, sample.values, columns, rows);
  canvas.addEventListener('pointermove', event => {
    const column = Math.min(Math.floor(event.offsetX / size), columns - 1);
    const at = Math.floor(event.offsetY / size) * columns + column;
    const value = sample.values[at];
    canvas.title = value === undefined ? '' : `[${at}] ${formatNumber(value)}`;
  });
  const finite = sample.values.filter(Number.isFinite);
  const most = finite.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return h('div', { class: 'fb-heat-row' }, canvas, heatLegend(most));
}

function heatLegend(most: number): HTMLElement {
  const ends = [formatNumber(most), '0', formatNumber(-most)].map(text => h('span', {}, text));
  return h(
    'div',
    { class: 'fb-heat-legend', 'aria-hidden': 'true' },
    h('div', { class: 'fb-heat-scale' }),
    h('div', { class: 'fb-heat-ends' }, ...ends)
  );
}

const NEGATIVE = [0, 114, 178];
const MIDDLE = [247, 247, 247];
const POSITIVE = [213, 94, 0];
const NOT_A_NUMBER = [204, 0, 170];

/** Blue below zero, orange above, white at zero; magenta where there is no number. */
function drawHeat(
  canvas: HTMLCanvasElement,
  values: number[],
  columns: number,
  rows: number
): void {
  const context = canvas.getContext('2d');
  if (!context || columns * rows === 0) {
    return;
  }
  const most = values.reduce((a, b) => (Number.isFinite(b) ? Math.max(a, Math.abs(b)) : a), 0);
  const image = context.createImageData(columns, rows);
  values.forEach((value, i) => {
    image.data.set([...heatColor(value, most), 255], i * 4);
  });
  context.putImageData(image, 0, 0);
}

function heatColor(value: number, most: number): number[] {
  if (Number.isNaN(value)) {
    return NOT_A_NUMBER;
  }
  const t = most > 0 ? Math.min(Math.abs(value) / most, 1) : 0;
  const end = value < 0 ? NEGATIVE : POSITIVE;
  return MIDDLE.map((m, c) => Math.round(m + (end[c] - m) * Math.sqrt(t)));
}

function numberTable(sample: Sample): HTMLElement {
  const { rows, columns } = arrange(sample.values.length, sample.shape);
  const lines = Array.from({ length: Math.min(rows, 16) }, (_, r) => {
    const row = sample.values.slice(r * columns, (r + 1) * columns).slice(0, 16);
    return h('tr', {}, ...row.map(value => h('td', {}, formatNumber(value))));
  });
  return h(
    'details',
    { class: 'fb-table' },
    h('summary', {}, 'Numbers'),
    h('div', { class: 'fb-scroll', tabindex: 0 }, h('table', {}, h('tbody', {}, ...lines)))
  );
}
