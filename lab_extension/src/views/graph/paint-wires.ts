// Draws the lines of a scene.

import type { Morph } from './morph';
import { piecesBetween } from './scene';
import type { Scene, Wire } from './scene';

const ARROW = 5;
const CORNER = 6;

export interface WireLook {
  color: string;
  width: number;
  dashed?: boolean;
  /** Arrowheads at the start: the way of the gradients. */
  reversed?: boolean;
}

/** 1 for each wire on the way of a graph edge that is `chosen`. */
export function markWires(scene: Scene, chosen: (edge: number) => boolean): Uint8Array {
  const marks = new Uint8Array(scene.wires.length);
  const { from, to } = scene.graph;
  const count = scene.items.length;
  const mark = (a: number, b: number) => {
    const wire = scene.wireIndex.get(a * count + b);
    if (wire !== undefined) {
      marks[wire] = 1;
    }
  };
  for (let e = 0; e < from.length; e++) {
    if (chosen(e)) {
      piecesBetween(scene.items, scene.itemOfNode[from[e]], scene.itemOfNode[to[e]], mark);
    }
  }
  return marks;
}

export class WirePainter {
  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly scene: Scene,
    private readonly morph: Morph,
    private readonly scale: number
  ) {}

  /** Draws wires in one look, as one path: thousands cost little. */
  draw(wires: Iterable<Wire>, look: WireLook): void {
    const { context } = this;
    context.beginPath();
    const heads: number[] = [];
    for (const wire of wires) {
      this.trace(wire, heads, look.reversed === true);
    }
    context.strokeStyle = look.color;
    // never much thinner than a pixel on the screen
    context.lineWidth = Math.max(look.width, 0.7 / this.scale);
    context.setLineDash(look.dashed ? [4, 4] : []);
    context.stroke();
    context.setLineDash([]);
    if (this.scale > 0.3) {
      this.drawHeads(heads, look.color);
    }
  }

  private trace(wire: Wire, heads: number[], reversed: boolean): void {
    const { items } = this.scene;
    const group = this.morph.placeOf(items[wire.group]);
    const [sx, sy] = this.drift(wire.from, wire.group);
    const [ex, ey] = this.drift(wire.to, wire.group);
    const p = wire.path;
    const x1 = group.x + p[0] + sx;
    const y1 = group.y + p[1] + sy;
    const x2 = group.x + p[2] + ex;
    const y2 = group.y + p[3] + ey;
    if (wire.lane < 0) {
      this.direct(x1, y1, x2, y2, group.y + p[4], group.y + p[5]);
    } else {
      this.byLane(x1, y1, x2, y2, group.x + p[4], group.y + p[5], group.y + p[6]);
    }
    this.addHead(wire, heads, reversed, reversed ? [x1, y1] : [x2, y2]);
  }

  /** How far an item still is from its place in its group. */
  private drift(index: number, group: number): [number, number] {
    if (!this.morph.moving || index === group) {
      return [0, 0];
    }
    const item = this.scene.items[index];
    const place = this.morph.placeOf(item);
    const around = this.scene.items[item.parent] ?? item;
    const outer = this.morph.placeOf(around);
    return [
      place.x + place.width / 2 - outer.x - (item.x + item.width / 2 - around.x),
      place.y - outer.y - (item.y - around.y)
    ];
  }

  private direct(
    x1: number,
    y1: number,
    x2: number,
    y2: number,
    bend: number,
    straight: number
  ): void {
    const { context } = this;
    context.moveTo(x1, y1);
    if (Math.abs(x1 - x2) < 0.5) {
      context.lineTo(x2, y2);
      return;
    }
    const start = Math.min(Math.max(bend, y1), y2);
    const end = Math.min(Math.max(straight, start), y2);
    const middle = (start + end) / 2;
    context.lineTo(x1, start);
    context.bezierCurveTo(x1, middle, x2, middle, x2, end);
    context.lineTo(x2, y2);
  }

  private byLane(
    x1: number,
    y1: number,
    x2: number,
    y2: number,
    x: number,
    out: number,
    back: number
  ): void {
    const { context } = this;
    context.moveTo(x1, y1);
    context.arcTo(x1, out, x, out, CORNER);
    context.arcTo(x, out, x, back, CORNER);
    context.arcTo(x, back, x2, back, CORNER);
    context.arcTo(x2, back, x2, y2, CORNER);
    context.lineTo(x2, y2);
  }

  /** At items, not where a line passes the border of a group. */
  private addHead(wire: Wire, heads: number[], reversed: boolean, end: number[]): void {
    const at = reversed ? wire.from : wire.to;
    if (at !== wire.group) {
      heads.push(end[0], end[1], reversed ? 1 : -1);
    }
  }

  private drawHeads(heads: number[], color: string): void {
    const { context } = this;
    context.beginPath();
    for (let i = 0; i < heads.length; i += 3) {
      const [x, y, way] = [heads[i], heads[i + 1], heads[i + 2]];
      context.moveTo(x, y);
      context.lineTo(x - ARROW * 0.75, y + way * ARROW * 1.5);
      context.lineTo(x + ARROW * 0.75, y + way * ARROW * 1.5);
      context.closePath();
    }
    context.fillStyle = color;
    context.fill();
  }
}
