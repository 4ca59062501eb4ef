// Draws a scene on a canvas, whatever its size: what is off the screen is left out, what is too
// small to read is drawn without its text.

import { withAlpha } from '../theme';
import type { Theme } from '../theme';
import type { Camera } from './camera';
import type { GraphModel } from './model';
import type { Morph } from './morph';
import { BoxPainter } from './paint-boxes';
import { WirePainter } from './paint-wires';
import type { Item, Wire } from './scene';
import type { TextFitter } from './text';

/** What is marked on the picture, besides the graph itself. */
export interface Marks {
  selected: ReadonlySet<number>;
  matches: ReadonlySet<number>;
  hovered: number;
  /** By wire, see markWires. */
  touched: Uint8Array | null;
  reached: Uint8Array | null;
}

export interface Frame {
  model: GraphModel;
  camera: Camera;
  morph: Morph;
  theme: Theme;
  marks: Marks;
  ratio: number;
}

/** Paints everything; returns the items that were drawn, in drawing order. */
export function paint(
  context: CanvasRenderingContext2D,
  fitter: TextFitter,
  frame: Frame
): Item[] {
  const { camera, ratio, theme, model } = frame;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.fillStyle = theme.page;
  context.fillRect(0, 0, camera.width, camera.height);
  if (!model.scene) {
    return [];
  }
  const { scale } = camera;
  context.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * camera.x, ratio * camera.y);
  const boxes = new BoxPainter(context, fitter, frame, model.scene);
  const shown = model.scene.items.filter(item => item.kind !== 'root' && isSeen(item, frame));
  shown.filter(item => item.kind === 'group').forEach(item => boxes.group(item));
  paintWires(context, frame);
  shown.filter(item => item.kind !== 'group').forEach(item => boxes.box(item));
  return shown;
}

function isSeen(item: Item, { camera, morph }: Frame): boolean {
  const { seen } = camera;
  const at = morph.moving ? morph.placeOf(item) : item;
  const inX = at.x < seen.x + seen.width && at.x + at.width > seen.x;
  return inX && at.y < seen.y + seen.height && at.y + at.height > seen.y;
}

function paintWires(context: CanvasRenderingContext2D, frame: Frame): void {
  const { model, theme, marks, camera, morph } = frame;
  const scene = model.scene;
  if (!scene) {
    return;
  }
  const painter = new WirePainter(context, scene, morph, camera.scale);
  const backward = model.direction === 'backward';
  const touched = (_: Wire, i: number) => marks.touched?.[i] === 1;
  const reached = (_: Wire, i: number) => marks.reached?.[i] === 1;
  const { top, bottom } = seenRows(frame);
  const inView = scene.wires.map(wire => {
    const y = scene.items[wire.group].y;
    return y + wire.path[1] < bottom && y + wire.path[3] > top;
  });
  const all = (_: Wire, i: number) => inView[i] || morph.moving;
  const pick = (test: (w: Wire, i: number) => boolean) =>
    scene.wires.filter((w, i) => all(w, i) && test(w, i));
  if (backward) {
    const plain = pick((w, i) => !reached(w, i));
    painter.draw(plain, { color: theme.line, width: 1, dashed: true, reversed: true });
    const flow = { color: theme.backward, width: 1.5, reversed: true };
    painter.draw(pick(reached), flow);
  } else {
    painter.draw(pick(() => true), { color: withAlpha(theme.textFaint, 0.65), width: 1.2 });
  }
  const color = backward ? theme.backward : theme.accent;
  painter.draw(pick(touched), { color, width: 2.4, reversed: backward });
}

/** World rows on the screen, with room for lines that arc over. */
function seenRows({ camera }: Frame): { top: number; bottom: number } {
  const { y, height } = camera.seen;
  return { top: y - 40, bottom: y + height + 40 };
}
