// Places the boxes of a scene, top to bottom, in time linear in boxes and lines. The places
// depend on the structure alone, so a node keeps its place from one iteration to the next.

import type { Item, Scene, Wire } from './scene';

const SIZES = {
  op: [152, 42],
  data: [122, 26],
  module: [188, 46],
  group: [188, 46],
  root: [0, 0]
} as const;

const GAP_X = 22;
const GAP_Y = 30;
const PADDING = 16;
export const HEADER = 28;
const LANE = 11;
/** Lines that skip boxes share lanes beyond this many. */
const LANES = 24;

/** Lines past at most this many rows, of at most this many boxes, are tried without a lane. */
const SHORT = 6;
const CLEARANCE = 8;

interface Row {
  items: Item[];
  top: number;
  bottom: number;
}

/** Sets place and size of all items, and the path of all wires. */
export function layout(scene: Scene): Scene {
  const wiresOf = wiresByGroup(scene);
  for (const item of scene.items) {
    const size = SIZES[item.kind];
    item.width = size[0];
    item.height = size[1];
    item.anchor = item.width / 2;
  }
  for (let g = scene.items.length - 1; g >= 0; g--) {
    const { kind } = scene.items[g];
    if (kind === 'group' || kind === 'root') {
      new GroupLayout(scene, scene.items[g], wiresOf[g]).run();
    }
  }
  for (const item of scene.items) {
    const around = scene.items[item.parent];
    item.x = (around?.x ?? 0) + item.dx;
    item.y = (around?.y ?? 0) + item.dy;
  }
  scene.width = scene.items[0].width;
  scene.height = scene.items[0].height;
  return scene;
}

function wiresByGroup(scene: Scene): Wire[][] {
  const wires: Wire[][] = scene.items.map(() => []);
  scene.wires.forEach(wire => wires[wire.group].push(wire));
  return wires;
}

class GroupLayout {
  private readonly items: Item[];
  private readonly before = new Map<number, number[]>();
  private readonly after = new Map<number, number[]>();
  private rows: Row[] = [];
  private contentWidth = 0;
  private lanes = 0;

  constructor(
    private readonly scene: Scene,
    private readonly group: Item,
    private readonly wires: Wire[]
  ) {
    this.items = scene.children[group.index].map(index => scene.items[index]);
  }

  run(): void {
    this.connect();
    this.rank();
    this.makeRows();
    this.placeRows();
    this.assignLanes();
    this.close();
    this.wires.forEach(wire => (wire.path = this.route(wire)));
  }

  /** Lines between children that run forward in tape order; others do not bear on ranks. */
  private connect(): void {
    for (const { from, to } of this.wires) {
      if (from !== this.group.index && to !== this.group.index && from < to) {
        push(this.after, from, to);
        push(this.before, to, from);
      }
    }
  }

  /** Longest path from the sources. A source that reads nothing, not even the group's own
   *  input, goes down next to what reads it first. */
  private rank(): void {
    const { items } = this.scene;
    for (const item of this.items) {
      const ranks = (this.before.get(item.index) ?? []).map(i => items[i].rank + 1);
      item.rank = max(ranks, 0);
    }
    const fed = new Set(this.wires.filter(w => w.from === this.group.index).map(w => w.to));
    for (const item of this.items) {
      const readers = this.after.get(item.index);
      if (!this.before.has(item.index) && !fed.has(item.index) && readers) {
        item.rank = -1 - max(readers.map(i => -items[i].rank), -Infinity);
      }
    }
  }

  private makeRows(): void {
    const rows: Item[][] = [];
    for (const item of this.items) {
      (rows[item.rank] ??= []).push(item);
    }
    this.rows = rows.filter(row => row).map(items => ({ items, top: 0, bottom: 0 }));
    this.rows.forEach((row, r) => row.items.forEach(item => (item.rank = r)));
  }

  /** One sweep down: each box goes below the middle of what it reads, as far as there is room. */
  private placeRows(): void {
    let y = this.group.kind === 'root' ? PADDING : HEADER + GAP_Y * 0.7;
    for (const row of this.rows) {
      this.placeRow(row.items);
      row.top = y;
      row.bottom = y + max(row.items.map(i => i.height), 0);
      for (const item of row.items) {
        item.dy = item.kind === 'data' ? row.bottom - item.height : row.top;
      }
      y = row.bottom + GAP_Y;
    }
    const left = -max(this.items.map(i => -i.dx), -Infinity);
    this.items.forEach(item => (item.dx += PADDING - left));
    this.contentWidth = max(this.items.map(i => i.dx + i.width), 0) - PADDING;
  }

  private placeRow(row: Item[]): void {
    const wished = new Map(row.map(item => [item, this.wish(item)]));
    const wish = (item: Item) => wished.get(item) as number;
    row.sort((a, b) => wish(a) - wish(b) || a.index - b.index);
    const moved: number[] = [];
    let right = -Infinity;
    for (const item of row) {
      const x = Math.max(wish(item), right + GAP_X + item.anchor);
      item.dx = x - item.anchor;
      right = item.dx + item.width;
      if (this.before.has(item.index)) {
        moved.push(x - wish(item));
      }
    }
    const shift = moved.length > 0 ? mean(moved) : 0;
    row.forEach(item => (item.dx -= shift));
  }

  /** Where a box would like to be: amid what it reads; data stands to the right. */
  private wish(item: Item): number {
    const before = this.before.get(item.index);
    if (!before) {
      return item.kind === 'data' && item.rank > 0 ? 1 : 0;
    }
    const read = before.map(i => this.scene.items[i]);
    const made = read.filter(i => i.kind !== 'data');
    return mean((made.length > 0 ? made : read).map(i => this.anchorOf(i)));
  }

  /** Lines that pass other rows get a lane to the right, one for all lines of one source. */
  private assignLanes(): void {
    const reach = new Map<number, [number, number]>();
    const long = this.wires.filter(wire => this.skips(wire));
    for (const wire of long) {
      const [start, end] = this.span(wire);
      const known = reach.get(wire.from);
      reach.set(wire.from, [start, Math.max(end, known?.[1] ?? end)]);
    }
    const ends: number[] = [];
    const laneOf = new Map<number, number>();
    for (const [from, [start, end]] of [...reach].sort((a, b) => a[1][0] - b[1][0])) {
      const free = ends.findIndex(last => last <= start);
      const lane = free >= 0 ? free : ends.length < LANES ? ends.length : from % LANES;
      ends[lane] = Math.max(end, ends[lane] ?? end);
      laneOf.set(from, lane);
    }
    long.forEach(wire => (wire.lane = laneOf.get(wire.from) as number));
    this.lanes = ends.length;
  }

  private skips(wire: Wire): boolean {
    const [start, end] = this.span(wire);
    return end <= start || (end - start > 1 && this.freeColumn(wire) === null);
  }

  /** A short line past few boxes may run straight down where it starts or where it ends. */
  private freeColumn(wire: Wire): 'start' | 'end' | null {
    const [start, end] = this.span(wire);
    const { from, to, group } = wire;
    if (end - start > SHORT || from === group || to === group) {
      return null;
    }
    const passed = this.rows.slice(start + 1, end).map(row => row.items);
    const free = (index: number) => {
      const x = this.anchorOf(this.scene.items[index]);
      const clear = (i: Item) => i.dx - CLEARANCE > x || i.dx + i.width + CLEARANCE < x;
      return passed.every(items => items.length <= SHORT && items.every(clear));
    };
    return free(to) ? 'end' : free(from) ? 'start' : null;
  }

  /** Rows that a wire starts and ends at; the group's border lies before and after them. */
  private span({ from, to }: Wire): [number, number] {
    const own = this.group.index;
    const start = from === own ? -1 : this.scene.items[from].rank;
    const end = to === own ? this.rows.length : this.scene.items[to].rank;
    return [start, end];
  }

  private close(): void {
    const { group } = this;
    const lanes = this.lanes > 0 ? this.lanes * LANE + 6 : 0;
    const width = this.contentWidth + 2 * PADDING + lanes;
    const bottom = this.rows.at(-1)?.bottom ?? HEADER;
    group.width = Math.max(width, group.kind === 'root' ? 0 : SIZES.group[0]);
    const slack = (group.width - width) / 2;
    this.items.forEach(item => (item.dx += slack));
    this.contentWidth += slack;
    group.anchor = this.mainColumn();
    group.height = bottom + (group.kind === 'root' ? PADDING : GAP_Y * 0.7);
  }

  /** Where the group's own lines come in and go out: above what they lead to. */
  private mainColumn(): number {
    const own = this.group.index;
    const read = this.wires.filter(w => w.from === own && w.lane < 0).map(w => w.to);
    const first = read.length > 0 ? read : (this.rows[0]?.items ?? []).map(i => i.index);
    const column = mean(first.map(i => this.anchorOf(this.scene.items[i])));
    return Number.isFinite(column) ? column : this.group.width / 2;
  }

  private anchorOf(item: Item): number {
    return item.dx + item.anchor;
  }

  /** Both ends (x1 y1 x2 y2), then for a direct line the y between which it bends; for one in
   *  a lane the lane's x, and the y of the way out and of the way back. */
  private route(wire: Wire): Float32Array {
    const { group } = this;
    const [start, end] = this.span(wire);
    const from = this.scene.items[wire.from];
    const to = this.scene.items[wire.to];
    const [x1, y1] = from === group
      ? [group.anchor, 0]
      : [this.anchorOf(from), from.dy + from.height];
    const [x2, y2] = to === group ? [group.anchor, group.height] : [this.anchorOf(to), to.dy];
    const bend = start < 0 ? HEADER : this.rows[start].bottom;
    if (wire.lane < 0) {
      const late = end - start > 1 && this.freeColumn(wire) === 'start';
      const next = this.rows[late ? end : start + 1]?.top ?? y2;
      return Float32Array.of(x1, y1, x2, y2, late ? this.rows[end - 1].bottom : bend, next);
    }
    const x = PADDING + this.contentWidth + 4 + (wire.lane + 0.5) * LANE;
    const nudge = (wire.lane % 3) * 3;
    const back = (this.rows[end]?.top ?? group.height) - 11 - nudge;
    return Float32Array.of(x1, y1, x2, y2, x, bend + 7 + nudge, back);
  }
}

function push(map: Map<number, number[]>, key: number, value: number): void {
  const list = map.get(key);
  if (list) {
    list.push(value);
  } else {
    map.set(key, [value]);
  }
}

/** Math.max for arrays of any length. */
function max(values: number[], least: number): number {
  return values.reduce((a, b) => (a > b ? a : b), least);
}

function mean(values: number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
