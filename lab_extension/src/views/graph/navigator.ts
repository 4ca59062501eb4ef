// Keeps the picture where the user expects it: at first, after boxes moved, to show something.

import type { GraphModel } from './model';
import { calm } from './morph';
import type { Item, Scene } from './scene';
import type { Hit } from './search';
import type { Stage } from './stage';

/** Room below a failing op for its message. */
const CALLOUT = 170;

export class Navigator {
  /** How the picture arranges itself; by hand: as the user moved it. */
  private way: 'open' | 'fit' | 'hand' = 'open';
  /** Something was opened or looked for: no other place only because the room changed. */
  private settled = false;

  constructor(
    private readonly model: GraphModel,
    private readonly stage: Stage
  ) {}

  /** The user took over. */
  byHand(): void {
    this.way = 'hand';
    this.stage.camera.stop();
    this.stage.repaint();
  }

  /** There is another amount of room: what was in the middle stays there. */
  resized(shift: number): void {
    if (this.settled || this.way === 'hand') {
      this.stage.camera.panBy(shift, 0);
    } else {
      this.stage.camera.stop();
      this.arrange();
    }
  }

  /** From the graph's beginning or the whole of it, and with the error in view. */
  private arrange(): void {
    const { scene } = this.model;
    if (scene && this.way !== 'hand') {
      this.stage.camera[this.way](scene.width, scene.height);
      this.revealFault();
    }
  }

  private revealFault(): void {
    const node = this.model.graph?.errors.find(e => e.node >= 0)?.node ?? -1;
    const item = node >= 0 ? this.model.itemOf({ kind: 'node', ref: node }) : null;
    if (item) {
      this.stage.camera.reveal({ ...item, height: item.height + CALLOUT });
    }
  }

  /** The user opened or closed modules: holds `anchor` (or the first box still there) where it
   *  was, and lets the others glide to their places. */
  opened(before: Scene, anchor: string | null): void {
    this.settled ||= anchor !== null;
    this.hold(before, anchor);
    if (!this.settled) {
      this.glide(() => this.arrange());
    }
  }

  /** The graph is another one: arranges it anew, with what is selected in view, unless the user
   *  has moved it. */
  grown(before: Scene | null, selected: Hit | null): void {
    const { scene } = this.model;
    if (!scene || !before) {
      this.arrange();
      return;
    }
    this.hold(before, null);
    const broken = before.graph.errors.length === 0 && scene.graph.errors.length > 0;
    if (this.way !== 'hand') {
      this.glide(() => {
        this.arrange();
        this.show(selected);
      });
    } else if (broken) {
      this.glide(() => this.revealFault()); // it has just happened: worth moving for
    }
  }

  private hold(before: Scene, anchor: string | null): void {
    const { camera, morph } = this.stage;
    const after = this.model.scene as Scene;
    const shift = displacement(before, after, anchor);
    camera.panBy(-shift[0] * camera.scale, -shift[1] * camera.scale);
    morph.begin(before, after, shift, performance.now());
  }

  /** Brings a hit's box into view. */
  reveal(hit: Hit): void {
    this.settled = true;
    this.glide(() => this.show(hit));
  }

  private show(hit: Hit | null): void {
    const item = hit && this.model.itemOf(hit);
    if (item) {
      this.stage.camera.reveal(item.kind === 'group' ? { ...item, height: 60 } : item);
    }
  }

  fit(): void {
    this.way = 'fit';
    this.settled = false;
    this.glide(() => this.arrange());
  }

  zoom(factor: number): void {
    const { camera } = this.stage;
    this.way = 'hand';
    this.settled = true;
    this.glide(() => camera.zoomAt(camera.width / 2, camera.height / 2, factor));
  }

  private glide(change: () => void): void {
    this.stage.camera.glide(change, performance.now());
    if (calm()) {
      this.stage.camera.at(Infinity);
    }
    this.stage.repaint();
  }
}

/** How far a box that both scenes have went: the one named, or the first. */
function displacement(before: Scene, after: Scene, key: string | null): [number, number] {
  const old = new Map(before.items.map(item => [item.key, item]));
  const kept = (item: Item) => item.kind !== 'root' && old.has(item.key);
  const named = after.items.find(item => item.key === key);
  const item = named ?? after.items.find(kept);
  const was = item && old.get(item.key);
  return item && was ? [item.x + item.anchor - was.x - was.anchor, item.y - was.y] : [0, 0];
}
