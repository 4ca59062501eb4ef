// Paints the stacked areas of live memory: one object for one painting.

import { formatBytes, formatSeconds } from '../format';
import { CATEGORY_COLORS, withAlpha } from '../theme';
import type { Curve, Stretch } from './memoryCurve';
import { pointAt, pointAtTick } from './memoryCurve';
import { categoryLabel } from './memoryText';
import { STACK_ORDER } from './stackOrder';
import type { Pen } from './surface';

export const LEFT = 56; // as wide as the axis of the line charts
export const RIGHT = 10;
export const TOP = 18;
export const BOTTOM = 40;
const STRIP = 16;

export class Plot {
  private readonly bottom: number;
  private readonly right: number;

  constructor(
    private readonly pen: Pen,
    private readonly curve: Curve,
    private readonly top: number
  ) {
    this.bottom = pen.height - BOTTOM;
    this.right = pen.width - RIGHT;
    pen.context.font = `11px ${pen.theme.font}`;
  }

  grid(): void {
    const { context, theme } = this.pen;
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (const bytes of byteSplits(0, this.top)) {
      const y = Math.round(this.y(bytes)) + 0.5;
      context.fillStyle = theme.line;
      context.fillRect(LEFT, y - 0.5, this.right - LEFT, 1);
      context.fillStyle = theme.textFaint;
      context.fillText(formatBytes(bytes), LEFT - 8, y);
    }
  }

  areas(): void {
    const base = new Float64Array(this.curve.x.length);
    for (const category of STACK_ORDER) {
      const values = this.curve.stacks[category]!;
      if (values.some(bytes => bytes > 0)) this.area(base, values, CATEGORY_COLORS[category]!);
      values.forEach((bytes, n) => (base[n]! += bytes));
    }
    this.labels();
  }

  /** Names the areas that have room for a word, so that colour is not the only sign. */
  private labels(): void {
    const { context, theme } = this.pen;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillStyle = theme.text;
    for (const category of STACK_ORDER) {
      const label = categoryLabel(category);
      const room = this.roomiest(category, context.measureText(label).width + 8);
      if (room.height > 15) context.fillText(label, room.x, room.y);
    }
  }

  /** Where along the axis a box of this width has most room above and below it. */
  private roomiest(category: number, width: number): { x: number; y: number; height: number } {
    let best = { x: 0, y: 0, height: 0 };
    for (let x = LEFT + width / 2; x < this.right - width / 2; x += 16) {
      let [low, high] = [this.bottom, 0];
      for (const at of [x - width / 2, x - width / 4, x, x + width / 4, x + width / 2]) {
        const [from, to] = this.bandAt(category, at);
        low = Math.min(low, from);
        high = Math.max(high, to);
      }
      if (low - high > best.height * 1.1) best = { x, y: (low + high) / 2, height: low - high };
    }
    return best;
  }

  /** Lower and upper edge of a category's band at a place on the axis, in pixels. */
  private bandAt(category: number, px: number): [number, number] {
    const { from, to, stacks } = this.curve;
    const n = pointAt(this.curve, from + ((px - LEFT) / (this.right - LEFT)) * (to - from));
    let bytes = 0;
    for (const below of STACK_ORDER) {
      if (below === category) break;
      bytes += stacks[below]![n]!;
    }
    return [this.y(bytes), this.y(bytes + stacks[category]![n]!)];
  }

  strip(stretches: Stretch[]): void {
    const { context, theme } = this.pen;
    const top = this.bottom + 4;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    for (const { label, from, to } of stretches) {
      const [x, end] = [this.x(from), this.x(to)];
      const color = label === 'backward' ? theme.backward : theme.accent;
      context.fillStyle = withAlpha(color, label === 'step' ? 0.3 : 0.14);
      context.fillRect(x, top, Math.max(0.5, end - x - 1), STRIP);
      if (end - x < context.measureText(label).width + 8) continue;
      context.fillStyle = theme.textSoft;
      context.fillText(label, (x + end) / 2, top + STRIP / 2 + 0.5);
    }
    this.axisLabels(top + STRIP + 11);
  }

  peak(): void {
    const { context, theme } = this.pen;
    const { peak } = this.curve;
    const [x, y] = [this.x(peak.x), this.y(peak.bytes)];
    context.fillStyle = theme.text;
    context.beginPath();
    context.moveTo(x, y - 2);
    context.lineTo(x - 4, y - 8);
    context.lineTo(x + 4, y - 8);
    context.fill();
    const label = `peak ${formatBytes(peak.bytes)}`;
    const half = context.measureText(label).width / 2;
    const turn = x + 10 + 2 * half > this.right;
    context.textAlign = turn ? 'right' : 'left';
    context.textBaseline = 'middle';
    context.fillText(label, turn ? x - 8 : x + 8, Math.max(7, y - 7));
  }

  cursor(tick: number, chosen: boolean): void {
    const { context, theme } = this.pen;
    const x = this.x(this.curve.x[pointAtTick(this.curve, tick)]!);
    context.strokeStyle = chosen ? theme.accent : theme.textFaint;
    context.lineWidth = chosen ? 1.5 : 1;
    context.setLineDash(chosen ? [] : [3, 3]);
    context.beginPath();
    context.moveTo(x, TOP - 2);
    context.lineTo(x, this.bottom);
    context.stroke();
    context.setLineDash([]);
    if (!chosen) return;
    context.fillStyle = theme.accent;
    context.beginPath();
    context.arc(x, this.bottom, 4.5, 0, 7);
    context.fill();
  }

  private area(base: Float64Array, values: number[], color: string): void {
    const { context } = this.pen;
    const { x } = this.curve;
    const upper = new Path2D();
    upper.moveTo(this.x(x[0]!), this.y(base[0]! + values[0]!));
    this.steps(upper, n => base[n]! + values[n]!);
    const closed = new Path2D(upper);
    for (let n = x.length - 1; n >= 0; n--) {
      closed.lineTo(this.x(x[n + 1] ?? x[n]!), this.y(base[n]!));
      closed.lineTo(this.x(x[n]!), this.y(base[n]!));
    }
    context.fillStyle = withAlpha(color, this.pen.theme.dark ? 0.62 : 0.55);
    context.fill(closed);
    context.strokeStyle = color;
    context.lineWidth = 1;
    context.stroke(upper);
  }

  private steps(path: Path2D, value: (n: number) => number): void {
    const { x } = this.curve;
    for (let n = 0; n < x.length; n++) {
      path.lineTo(this.x(x[n]!), this.y(value(n)));
      path.lineTo(this.x(x[n + 1] ?? x[n]!), this.y(value(n)));
    }
  }

  private axisLabels(y: number): void {
    const { context, theme } = this.pen;
    const { axis, from, to } = this.curve;
    context.fillStyle = theme.textFaint;
    context.textAlign = 'left';
    context.fillText(axis === 'time' ? '0 s' : 'operations in order', LEFT, y);
    context.textAlign = 'right';
    if (axis === 'time') context.fillText(formatSeconds(to - from), this.right, y);
  }

  private x(value: number): number {
    const { from, to } = this.curve;
    return LEFT + ((value - from) / (to - from)) * (this.right - LEFT);
  }

  private y(bytes: number): number {
    return this.bottom - (bytes / this.top) * (this.bottom - TOP);
  }
}

/** The picture must not breathe with every iteration: the scale changes only when it has to. */
export function steadyTop(top: number, peak: number): number {
  const need = Math.max(1, peak * 1.04);
  return need > top || need < top * 0.6 ? need : top;
}

/** Three to five round numbers of bytes: powers of two, as memory comes. */
export function byteSplits(_low: number, high: number): number[] {
  if (!(high > 0)) return [0];
  let step = 2 ** Math.ceil(Math.log2(high / 4));
  if (high / step < 2.5) step /= 2;
  const count = Math.floor(high / step);
  return Array.from({ length: count + 1 }, (_, n) => n * step);
}
