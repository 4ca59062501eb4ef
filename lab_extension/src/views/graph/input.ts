// Pointer, wheel and keys on the canvas, turned into what they mean.

import type { Camera } from './camera';

export interface InputActions {
  hover(x: number, y: number): void;
  leave(): void;
  click(x: number, y: number): void;
  open(x: number, y: number): void;
  key(event: KeyboardEvent): boolean;
  moved(): void;
}

/** A pointer that moved less than this was a click. */
const STEADY = 4;

export class Input {
  private readonly pointers = new Map<number, [number, number]>();
  private travelled = 0;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly camera: Camera,
    private readonly actions: InputActions
  ) {
    canvas.addEventListener('pointerdown', e => this.down(e));
    canvas.addEventListener('pointermove', e => this.move(e));
    canvas.addEventListener('pointerup', e => this.up(e));
    canvas.addEventListener('pointercancel', e => this.pointers.delete(e.pointerId));
    canvas.addEventListener('pointerleave', () => actions.leave());
    canvas.addEventListener('dblclick', e => actions.open(e.offsetX, e.offsetY));
    canvas.addEventListener('wheel', e => this.wheel(e), { passive: false });
    canvas.addEventListener('keydown', e => {
      if (!e.ctrlKey && !e.metaKey && !e.altKey && actions.key(e)) {
        e.preventDefault();
        e.stopPropagation(); // a notebook has its own keys
      }
    });
  }

  private down(event: PointerEvent): void {
    if (event.button !== 0) {
      return;
    }
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
    this.travelled = 0;
  }

  private move(event: PointerEvent): void {
    const last = this.pointers.get(event.pointerId);
    if (!last) {
      this.actions.hover(event.offsetX, event.offsetY);
      return;
    }
    const [dx, dy] = [event.offsetX - last[0], event.offsetY - last[1]];
    this.travelled += Math.abs(dx) + Math.abs(dy);
    if (this.pointers.size === 2) {
      this.pinch(event.pointerId, event.offsetX, event.offsetY);
    } else if (this.travelled >= STEADY) {
      this.camera.panBy(dx, dy);
      this.canvas.classList.add('fb-dragging');
      this.actions.moved();
    }
    this.pointers.set(event.pointerId, [event.offsetX, event.offsetY]);
  }

  private pinch(id: number, x: number, y: number): void {
    const before = this.pointers.get(id) as [number, number];
    const [other] = [...this.pointers].filter(([key]) => key !== id).map(([, point]) => point);
    const distance = (a: number, b: number) => Math.hypot(a - other[0], b - other[1]) || 1;
    this.camera.zoomAt(other[0], other[1], distance(x, y) / distance(...before));
    this.actions.moved();
  }

  private up(event: PointerEvent): void {
    if (this.pointers.delete(event.pointerId) && this.travelled < STEADY) {
      this.actions.click(event.offsetX, event.offsetY);
    }
    this.canvas.classList.remove('fb-dragging');
  }

  /** Zooms; but a page that can scroll keeps its wheel until the graph was clicked. */
  private wheel(event: WheelEvent): void {
    const pinching = event.ctrlKey || event.metaKey;
    const mine = pinching || this.canvas.matches(':focus') || !scrolls(this.canvas);
    if (!mine) {
      return;
    }
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const delta = Math.max(Math.min(event.deltaY * lines, 120), -120);
    this.camera.zoomAt(event.offsetX, event.offsetY, Math.exp(-delta * (pinching ? 0.01 : 0.0022)));
    this.actions.moved();
  }
}

/** Whether something around an element can be scrolled up or down. */
function scrolls(element: Element): boolean {
  for (let e = element.parentElement; e; e = e.parentElement) {
    const style = getComputedStyle(e).overflowY;
    const overflows = e.scrollHeight > e.clientHeight + 1;
    const root = e === document.documentElement && style !== 'hidden';
    if (overflows && (root || style === 'auto' || style === 'scroll')) {
      return true;
    }
  }
  return false;
}
