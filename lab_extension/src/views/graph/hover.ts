// What is under the pointer, and what is told of it.

import type { Trace } from '../../trace/trace';
import { HEADER } from './layout';
import type { GraphModel } from './model';
import type { Overlays } from './overlays';
import type { Item } from './scene';
import type { Stage } from './stage';
import { tooltipLines } from './tooltip';

export class Hover {
  constructor(
    private readonly trace: Trace,
    private readonly model: GraphModel,
    private readonly stage: Stage,
    private readonly overlays: Overlays
  ) {}

  /** The item at a point; of an opened group only its header counts. */
  itemAt(x: number, y: number): Item | null {
    const item = this.stage.itemAt(x, y);
    const [, wy] = this.stage.camera.toWorld(x, y);
    return item?.kind === 'group' && wy > item.y + HEADER ? null : item;
  }

  move(x: number, y: number): void {
    const item = this.itemAt(x, y);
    const { marks, canvas } = this.stage;
    if (marks.hovered !== (item?.index ?? -1)) {
      marks.hovered = item?.index ?? -1;
      this.stage.repaint();
    }
    canvas.classList.toggle('fb-pointing', item !== null);
    const tells = item && item.kind !== 'group' && !marks.selected.has(item.index);
    const lines = tells ? tooltipLines(this.model, item, this.trace) : [];
    if (lines.length > 0) {
      this.overlays.showTooltip(lines[0], lines.slice(1), { x, y });
    } else {
      this.overlays.hideTooltip();
    }
  }
}
