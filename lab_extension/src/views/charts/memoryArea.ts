// Live bytes by category as a stacked area, with a cursor that can be dragged.

import type { Curve, Stretch } from './memoryCurve';
import { pointAt, pointAtTick } from './memoryCurve';
import { BOTTOM, LEFT, Plot, RIGHT, steadyTop, TOP } from './memoryPlot';
import { STACK_ORDER } from './stackOrder';
import { Surface } from './surface';
import type { Pen } from './surface';

export interface AreaEvents {
  /** The cursor was dragged or stepped here; null: back to following. */
  move(tick: number | null): void;
  /** The pointer rests at a tick, over a category if it is on one; null: it left. */
  hover(place: { tick: number; category: number; x: number; y: number } | null): void;
}

export class MemoryArea {
  readonly canvas: HTMLCanvasElement;
  private readonly surface: Surface;
  private curve: Curve | null = null;
  private stretches: Stretch[] = [];
  private tick: number | null = null;
  private top = 1;

  constructor(private readonly events: AreaEvents) {
    this.surface = new Surface(pen => this.paint(pen));
    this.canvas = this.surface.canvas;
    this.canvas.classList.add('fbc-area');
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute('role', 'slider');
    this.canvas.setAttribute('aria-label', 'Time cursor over the live memory');
    this.canvas.addEventListener('pointerdown', event => this.press(event));
    this.canvas.addEventListener('pointermove', event => this.move(event));
    this.canvas.addEventListener('pointerleave', () => this.events.hover(null));
    this.canvas.addEventListener('dblclick', () => this.events.move(null));
    this.canvas.addEventListener('keydown', event => this.key(event));
  }

  /** How many points are worth computing. */
  get buckets(): number {
    return Math.max(100, this.surface.width - LEFT - RIGHT);
  }

  show(curve: Curve, stretches: Stretch[]): void {
    this.curve = curve;
    this.stretches = stretches;
    this.top = steadyTop(this.top, curve.peak.bytes);
    this.surface.repaint();
  }

  /** null: the cursor rests at the peak. `text` says what is there, for screen readers. */
  setTick(tick: number | null, text: string): void {
    if (tick !== this.tick) this.surface.repaint();
    this.tick = tick;
    this.speak(text);
  }

  dispose(): void {
    this.surface.dispose();
  }

  private get shownTick(): number {
    return this.tick ?? this.curve?.peak.tick ?? 0;
  }

  private speak(text: string): void {
    const { curve, canvas } = this;
    if (!curve) return;
    canvas.setAttribute('aria-valuemin', String(curve.tick[0] ?? 0));
    canvas.setAttribute('aria-valuemax', String(curve.tick[curve.tick.length - 1] ?? 0));
    canvas.setAttribute('aria-valuenow', String(this.shownTick));
    canvas.setAttribute('aria-valuetext', text);
  }

  private press(event: PointerEvent): void {
    if (event.button !== 0 || !this.curve) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.events.move(this.tickAt(event.offsetX));
  }

  private move(event: PointerEvent): void {
    if (!this.curve) return;
    const { offsetX: x, offsetY: y } = event;
    if (event.buttons & 1) this.events.move(this.tickAt(x));
    const tick = this.tickAt(x);
    this.events.hover({ tick, category: this.categoryAt(x, y), x, y });
  }

  private key(event: KeyboardEvent): void {
    const { curve } = this;
    if (!curve) return;
    const at = pointAtTick(curve, this.shownTick);
    const last = curve.x.length - 1;
    const steps: Record<string, number> = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      PageUp: at + 20,
      PageDown: at - 20,
      Home: 0,
      End: last
    };
    const target = steps[event.key];
    if (target === undefined && event.key !== 'Escape') return;
    event.preventDefault();
    if (target === undefined) return this.events.move(null);
    this.events.move(curve.tick[Math.min(last, Math.max(0, target))]!);
  }

  private tickAt(px: number): number {
    const curve = this.curve!;
    const share = (px - LEFT) / (this.surface.width - LEFT - RIGHT);
    const x = curve.from + Math.min(1, Math.max(0, share)) * (curve.to - curve.from);
    return curve.tick[pointAt(curve, x)]!;
  }

  private categoryAt(px: number, py: number): number {
    const curve = this.curve!;
    const at = pointAtTick(curve, this.tickAt(px));
    const tall = this.surface.height - TOP - BOTTOM;
    let bytes = ((this.surface.height - BOTTOM - py) / tall) * this.top;
    for (const category of STACK_ORDER) {
      bytes -= curve.stacks[category]![at]!;
      if (bytes < 0) return category;
    }
    return -1;
  }

  private paint(pen: Pen): void {
    const { curve } = this;
    if (!curve) return;
    const plot = new Plot(pen, curve, this.top);
    plot.grid();
    plot.areas();
    plot.strip(this.stretches);
    plot.peak();
    plot.cursor(this.shownTick, this.tick !== null);
  }
}
