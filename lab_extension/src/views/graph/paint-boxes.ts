// Draws the boxes of a scene: ops, data, closed modules, opened groups.

import type { Theme } from '../theme';
import { withAlpha } from '../theme';
import { labelOf } from './labels';
import { HEADER } from './layout';
import { formatMetric, shareOf } from './measure';
import type { Place } from './morph';
import { familyColor, metricFill } from './palette';
import type { Frame } from './paint';
import { Pen } from './pen';
import type { Item, Scene } from './scene';
import type { TextFitter } from './text';

const RADIUS = 6;
/** Below these scales text cannot be read and is left out. */
const DETAIL_SCALE = 0.55;
const TITLE_SCALE = 0.38;

export class BoxPainter {
  private readonly theme: Theme;
  private readonly scale: number;
  private readonly pen: Pen;

  constructor(
    private readonly context: CanvasRenderingContext2D,
    fitter: TextFitter,
    private readonly frame: Frame,
    private readonly scene: Scene
  ) {
    this.theme = frame.theme;
    this.scale = frame.camera.scale;
    this.pen = new Pen(context, fitter, frame.theme);
  }

  group(item: Item): void {
    const { context, theme } = this;
    const place = this.frame.morph.placeOf(item);
    context.globalAlpha = place.alpha;
    const module = this.scene.graph.modules[item.ref];
    this.pen.shape(place, 9);
    // each level a little darker (or lighter) than the one around it
    context.fillStyle = withAlpha(theme.textFaint, theme.dark ? 0.1 : 0.075);
    context.fill();
    this.border(item, module.failed ? theme.error : theme.line, module.failed ? 1.6 : 1);
    this.ring(item, place, 9);
    if (this.scale > TITLE_SCALE * 0.8) {
      this.groupTitle(item, place, module.failed);
    }
    context.globalAlpha = 1;
  }

  private groupTitle(item: Item, place: Place, failed: boolean): void {
    const { theme } = this;
    const { title, kind } = labelOf(this.scene, item);
    const middle = place.y + HEADER / 2 + 1;
    this.pen.chevron(place.x + 14, middle, true, failed ? theme.error : theme.textSoft);
    // the name left of the line that comes in, the class or the metric right of it
    const line = place.x + item.anchor;
    this.pen.font(600, 12.5);
    const shown = this.pen.text(title, place.x + 24, middle, line - place.x - 30, theme.text);
    const right = place.x + place.width - 12;
    const room = right - Math.max(line + 8, place.x + 30 + shown);
    this.pen.font(400, 11.5);
    this.pen.textRight(this.valueText(item) || kind, right, middle, room, theme.textFaint);
  }

  box(item: Item): void {
    const { context, theme } = this;
    const place = this.frame.morph.placeOf(item);
    context.globalAlpha = place.alpha;
    if (item.kind === 'data') {
      this.data(item, place);
    } else if (this.scale < 0.16 && !this.isFailed(item)) {
      context.fillStyle = withAlpha(this.color(item), 0.75);
      context.fillRect(place.x, place.y, place.width, place.height);
      this.ring(item, place, 2);
    } else {
      this.body(item, place);
      this.labels(item, place);
    }
    context.globalAlpha = 1;
    context.fillStyle = theme.text;
  }

  private body(item: Item, place: Place): void {
    const { context, theme } = this;
    const failed = this.isFailed(item);
    if (item.kind === 'module') {
      this.stack(place);
    }
    this.pen.shape(place, RADIUS);
    context.fillStyle = failed ? theme.errorSoft : theme.surface;
    context.fill();
    this.tint(item);
    this.border(item, failed ? theme.error : theme.lineStrong, failed ? 2 : 1);
    this.strip(item, place);
    this.bar(item, place);
    this.ring(item, place, RADIUS);
  }

  /** A second sheet behind a closed module says that there is more inside. */
  private stack(place: Place): void {
    const { context, theme } = this;
    context.beginPath();
    context.roundRect(place.x + 4, place.y + 3, place.width - 8, place.height, RADIUS);
    context.fillStyle = theme.raised;
    context.strokeStyle = theme.lineStrong;
    context.lineWidth = 1;
    context.fill();
    context.stroke();
  }

  /** The colour of the op's family along the left edge. */
  private strip(item: Item, place: Place): void {
    const { context } = this;
    context.save();
    this.pen.shape(place, RADIUS);
    context.clip();
    context.fillStyle = this.isFailed(item) ? this.theme.error : this.color(item);
    context.fillRect(place.x, place.y, 4, place.height);
    context.restore();
  }

  private tint(item: Item): void {
    const share = this.share(item);
    if (share !== null) {
      this.context.fillStyle = metricFill(share, this.metricColor());
      this.context.fill();
    }
  }

  /** The metric as a bar along the bottom. */
  private bar(item: Item, place: Place): void {
    const share = this.share(item);
    if (share !== null) {
      const { context } = this;
      context.fillStyle = this.metricColor();
      const width = Math.max((place.width - 16) * share, 2);
      context.fillRect(place.x + 10, place.y + place.height - 5, width, 2.5);
    }
  }

  private labels(item: Item, place: Place): void {
    const { theme } = this;
    if (this.scale < TITLE_SCALE) {
      return;
    }
    const { title, kind, detail } = labelOf(this.scene, item);
    const isModule = item.kind === 'module';
    const left = place.x + (isModule ? 26 : 13);
    const right = place.x + place.width - 10;
    const two = this.scale >= DETAIL_SCALE && detail !== '';
    const y = two ? place.y + 15.5 : place.y + place.height / 2;
    const value = two ? this.valueText(item) : '';
    if (isModule) {
      this.pen.chevron(place.x + 16, y, false, theme.textSoft);
    }
    const mark = this.isFailed(item) ? this.pen.failureMark(right, y) : 0;
    let room = right - left - mark;
    this.pen.font(500, 11);
    // the number is never cut, the name is; the class takes what is left
    room -= value ? this.pen.textRight(value, right - mark, y, room, theme.textSoft) + 6 : 0;
    this.pen.font(600, 12.5);
    room -= this.pen.text(title, left, y, room, theme.text) + 8;
    this.pen.font(400, 11);
    this.pen.textRight(value ? '' : kind, right - mark, y, room, theme.textFaint);
    if (two) {
      this.detail(item, detail, left, right, place.y + place.height - (value ? 14.5 : 12.5));
    }
  }

  private detail(item: Item, detail: string, left: number, right: number, y: number): void {
    const { theme, frame } = this;
    const norm = frame.model.values?.gradient[this.nodeOf(item)] ?? NaN;
    let room = right - left;
    if (frame.model.metric === 'none' && !Number.isNaN(norm)) {
      this.pen.font(400, 10.5);
      const text = `∇ ${formatMetric(norm, 'gradient')}`;
      room -= this.pen.textRight(text, right, y, room, theme.backward) + 6;
    }
    this.pen.font(400, 11);
    this.pen.text(detail, left, y, room, theme.textSoft);
  }

  private data(item: Item, place: Place): void {
    const { context, theme } = this;
    this.pen.shape(place, place.height / 2);
    context.fillStyle = theme.raised;
    context.fill();
    this.border(item, theme.lineStrong, 1);
    this.ring(item, place, place.height / 2);
    if (this.scale >= DETAIL_SCALE) {
      const { title, detail } = labelOf(this.scene, item);
      const middle = place.y + place.height / 2;
      this.pen.font(500, 11);
      const shown = this.pen.text(title, place.x + 12, middle, place.width - 24, theme.textSoft);
      this.pen.font(400, 11);
      const room = place.width - shown - 30;
      this.pen.text(detail, place.x + 18 + shown, middle, room, theme.textFaint);
    }
  }

  private border(item: Item, color: string, width: number): void {
    const { context, theme, frame } = this;
    const hovered = frame.marks.hovered === item.index;
    context.strokeStyle = hovered ? theme.textFaint : color;
    context.lineWidth = Math.max(width, 0.5 / this.scale);
    context.stroke();
  }

  /** Selection (solid) and search hits (dashed) around a box. */
  private ring(item: Item, place: Place, radius: number): void {
    const { selected, matches } = this.frame.marks;
    const chosen = selected.has(item.index);
    if (!chosen && !matches.has(item.index)) {
      return;
    }
    const { context, theme } = this;
    const gap = chosen ? 1 : 3;
    const { x, y, width, height } = place;
    context.beginPath();
    context.roundRect(x - gap, y - gap, width + 2 * gap, height + 2 * gap, radius + gap);
    context.strokeStyle = chosen ? theme.accent : theme.match;
    context.lineWidth = Math.max(2.4, 1.5 / this.scale);
    context.setLineDash(chosen ? [] : [6, 3]);
    context.stroke();
    context.setLineDash([]);
  }

  private valueText(item: Item): string {
    const { metric, measures } = this.frame.model;
    const value = measures?.values[item.index] ?? NaN;
    return metric === 'none' || Number.isNaN(value) ? '' : formatMetric(value, metric);
  }

  private share(item: Item): number | null {
    const { metric, measures } = this.frame.model;
    const value = measures?.values[item.index] ?? NaN;
    return metric === 'none' || !measures || Number.isNaN(value)
      ? null
      : shareOf(value, measures.scale);
  }

  private metricColor(): string {
    return metricColor(this.frame.model.metric, this.theme);
  }

  private color(item: Item): string {
    const { nodes, modules } = this.scene.graph;
    if (item.kind === 'op') {
      return familyColor(nodes[item.ref].name, this.theme);
    }
    const module = modules[item.ref];
    return familyColor(module.ops === 1 ? (nodes[module.output]?.name ?? '') : '', this.theme);
  }

  private nodeOf(item: Item): number {
    return item.kind === 'op' ? item.ref : (this.scene.graph.modules[item.ref]?.output ?? -1);
  }

  private isFailed(item: Item): boolean {
    const { nodes, modules } = this.scene.graph;
    return item.kind === 'op' ? nodes[item.ref].failed : modules[item.ref].failed;
  }

}

export function metricColor(metric: string, theme: Theme): string {
  return metric === 'gradient' ? theme.backward : theme.accent;
}
