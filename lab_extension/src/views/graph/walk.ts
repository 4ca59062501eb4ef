// Arrow keys: from one box to the next along the lines.

import type { Item, Scene, Wire } from './scene';

export type Step = 'ArrowDown' | 'ArrowUp' | 'ArrowLeft' | 'ArrowRight';

/** Where a key leads from an item; null: nowhere. */
export function walk(scene: Scene, from: Item | null, step: Step): Item | null {
  if (!from) {
    return scene.items.find(item => item.kind !== 'root') ?? null;
  }
  if (step === 'ArrowLeft' || step === 'ArrowRight') {
    return beside(scene, from, step === 'ArrowRight');
  }
  return step === 'ArrowDown' ? below(scene, from) : above(scene, from);
}

/** Into an opened group, else along a line, else out of the group and on. */
function below(scene: Scene, from: Item): Item | null {
  const first = scene.children[from.index][0];
  if (from.kind === 'group' && first !== undefined) {
    return scene.items[first];
  }
  for (let item = from; item.parent >= 0; item = scene.items[item.parent]) {
    const next = scene.wires
      .filter(wire => wire.from === item.index && isAcross(wire, item))
      .map(wire => scene.items[wire.to]);
    if (next.length > 0) {
      return nearest(next, item);
    }
  }
  return null;
}

function above(scene: Scene, from: Item): Item | null {
  const before = scene.wires
    .filter(wire => wire.to === from.index && isAcross(wire, from))
    .map(wire => scene.items[wire.from]);
  const item = before.length > 0 ? nearest(before, from) : scene.items[from.parent];
  return item && item.kind !== 'root' ? item : null;
}

function beside(scene: Scene, from: Item, right: boolean): Item | null {
  const row = (scene.children[from.parent] ?? [])
    .map(index => scene.items[index])
    .filter(item => item.rank === from.rank && (right ? item.x > from.x : item.x < from.x));
  return row.length > 0 ? nearest(row, from) : null;
}

/** Whether a line joins an item to another, not to the border of its group or to what it holds. */
function isAcross({ from, to, group }: Wire, item: Item): boolean {
  return group !== item.index && from !== group && to !== group;
}

function nearest(items: Item[], to: Item): Item {
  const distance = (item: Item) => Math.abs(item.x - to.x) + Math.abs(item.y - to.y);
  return items.reduce((a, b) => (distance(b) < distance(a) ? b : a));
}
