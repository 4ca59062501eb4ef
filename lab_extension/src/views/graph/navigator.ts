// Keeps the picture where the user expects it: at first, after boxes moved, to show something.

import type { GraphModel } from './model';
import type { Item, Scene } from './scene';
import type { Hit } from './search';
import type { Stage } from './stage';

/** Room below a failing op for its message. */
const CALLOUT = 170;

export class Navigator {
  /** Until the user moved the picture it arranges itself. */
  private untouched = true;

  constructor(
    private readonly model: GraphModel,
    private readonly stage: Stage
  ) {}

  /** The user took over. */
  touched(): void {
    this.untouched = false;
    this.stage.repaint();
  }

  /** From the graph's beginning, or with the error in view. */
  frame(): void {
    const { scene } = this.model;
    if (scene && this.untouched) {
      this.stage.camera.open(scene.width, scene.height);
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

  /** Boxes were placed anew: holds `anchor` (or the first box still there) where it was, and
   *  lets the others glide to their places. */
  moved(before: Scene | null, anchor: string | null): void {
    const { scene } = this.model;
    if (!scene || !before) {
      this.frame();
      return;
    }
    const { camera, morph } = this.stage;
    const [dx, dy] = displacement(before, scene, anchor);
    this.untouched &&= anchor === null;
    if (this.untouched) {
      this.frame();
    } else {
      camera.panBy(-dx * camera.scale, -dy * camera.scale);
    }
    const sound = before.graph.errors.length === 0;
    if (sound && scene.graph.errors.length > 0) {
      this.revealFault(); // it has just happened: worth moving for
    }
    morph.begin(before, dx, dy, performance.now());
  }

  /** Brings a hit's box into view. */
  reveal(hit: Hit): void {
    const item = this.model.itemOf(hit);
    if (item) {
      this.stage.camera.reveal(item.kind === 'group' ? { ...item, height: 60 } : item);
      this.touched();
    }
  }

  fit(): void {
    const { scene } = this.model;
    if (scene) {
      this.stage.camera.fit(scene.width, scene.height);
      this.touched();
    }
  }

  zoom(factor: number): void {
    const { camera } = this.stage;
    camera.zoomAt(camera.width / 2, camera.height / 2, factor);
    this.touched();
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
