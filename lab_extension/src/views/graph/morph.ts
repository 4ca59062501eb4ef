// Moves boxes gently from their old places to the new ones.

import type { Item, Scene } from './scene';

const DURATION = 160;
/** More boxes than this go to their places at once. */
const MANY = 3000;

export interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
  alpha: number;
}

/** Whether the user wants nothing to move by itself. */
export function calm(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

type Old = { x: number; y: number; width: number; height: number };

export class Morph {
  private old = new Map<string, Old>();
  private start = -Infinity;
  private progress = 1;

  /** Begins a move from the places in `before`, shifted, to those in the scene `after`. */
  begin(before: Scene, after: Scene, [dx, dy]: [number, number], now: number): void {
    if (calm() || before.items.length + after.items.length > MANY) {
      return;
    }
    this.old = new Map(
      before.items.map(({ key, x, y, width, height }) => [
        key,
        { x: x + dx, y: y + dy, width, height }
      ])
    );
    this.start = now;
    this.progress = 0;
  }

  /** Sets the time; true while there is something left to move. */
  at(now: number): boolean {
    const t = Math.min(Math.max((now - this.start) / DURATION, 0), 1);
    this.progress = 1 - (1 - t) ** 3;
    if (t >= 1) {
      this.old.clear();
    }
    return t < 1;
  }

  get moving(): boolean {
    return this.old.size > 0;
  }

  placeOf(item: Item): Place {
    const { x, y, width, height } = item;
    if (this.old.size === 0) {
      return { x, y, width, height, alpha: 1 };
    }
    const p = this.progress;
    const from = this.old.get(item.key);
    if (!from) {
      return { x, y, width, height, alpha: p };
    }
    return {
      x: from.x + (x - from.x) * p,
      y: from.y + (y - from.y) * p,
      width: from.width + (width - from.width) * p,
      height: from.height + (height - from.height) * p,
      alpha: 1
    };
  }
}
