// The graph of one iteration: what the code built, as boxes that open.

import type { Direction, Metric } from '../../trace/metrics';
import type { Session } from '../../trace/session';
import type { Trace } from '../../trace/trace';
import { h } from '../dom';
import { Inspector } from '../inspector';
import type { View } from '../view';
import { Finder } from './finder';
import { Input } from './input';
import { pressed } from './keys';
import { describe } from './labels';
import { GraphModel, hitOf } from './model';
import { Outline } from './outline';
import { Overlays } from './overlays';
import { markWires } from './paint-wires';
import type { Item, Scene } from './scene';
import type { Hit } from './search';
import { GraphSelection } from './selection';
import { Stage } from './stage';
import { Toolbar } from './toolbar';
import { tooltipLines } from './tooltip';
import { walk } from './walk';
import type { Step } from './walk';

export interface GraphOptions {
  /** Called when the user opened or closed modules, with the keys of the opened ones. */
  onOpened?: (keys: string[]) => void;
}

/** The inspector is drawn anew at most this often while values stream in. */
const INSPECTOR_PACE = 400;

export class GraphView implements View {
  readonly element: HTMLElement;
  private readonly trace: Trace;
  private readonly model: GraphModel;
  private readonly stage: Stage;
  private readonly overlays: Overlays;
  private readonly toolbar: Toolbar;
  private readonly outline: Outline;
  private readonly inspector: Inspector;
  private readonly selection: GraphSelection;
  private readonly finder: Finder;
  private readonly spoken = h('div', { class: 'fb-hidden', 'aria-live': 'polite' });
  private readonly watcher: ResizeObserver;
  private untouched = true;
  private inspectedAt = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    session: Session,
    private readonly options: GraphOptions = {}
  ) {
    this.trace = session.trace;
    this.model = new GraphModel(session);
    this.selection = new GraphSelection(session);
    this.finder = new Finder(session.trace);
    this.stage = new Stage(this.model);
    this.overlays = new Overlays(this.stage.element);
    this.toolbar = this.makeToolbar();
    const select = (hit: Hit) => this.select(hit);
    this.outline = new Outline(this.model, { select, toggle: key => this.toggle(key) });
    this.outline.element.hidden = true;
    this.inspector = new Inspector(session, { select, close: () => this.select(null) });
    const body = h('div', { class: 'fb-graph-body' }, this.outline.element, this.stage.element);
    body.append(this.inspector.element);
    this.element = h('div', { class: 'fb-graph' }, this.toolbar.element, body, this.spoken);
    this.watcher = new ResizeObserver(() => {
      this.element.classList.toggle('fb-narrow', this.element.clientWidth < 640);
    });
    this.watcher.observe(this.element);
    this.stage.onPainted = () => this.painted();
    this.stage.onResized = () => this.frame();
    this.listen();
  }

  update(): void {
    const change = this.model.refresh(performance.now());
    if (this.model.pending) {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.update(), 250);
    }
    const { graph } = this.model;
    if (!graph) {
      return;
    }
    this.overlays.empty.hidden = true;
    if (change.graph) {
      this.selection.carryOver(graph);
      this.finder.again(graph);
    }
    if (change.scene) {
      this.sceneChanged(change.before, null);
    }
    if (this.selection.follow(graph) && this.selection.hit) {
      this.show(this.selection.hit);
    }
    this.refreshMarks();
    this.inspect(change.graph);
  }

  /** Opens exactly these modules, as Python or a saved notebook asks. */
  setOpened(keys: string[]): void {
    this.sceneChanged(this.model.open(keys), null);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.watcher.disconnect();
    this.stage.dispose();
    this.element.remove();
  }

  private makeToolbar(): Toolbar {
    const { stage, model } = this;
    return new Toolbar({
      search: query => this.find(query),
      next: step => this.nextHit(step),
      direction: direction => this.paintMetric(model.metric, direction),
      metric: metric => this.paintMetric(metric, model.direction),
      fit: () => this.fit(),
      zoom: factor => this.zoom(factor),
      openAll: () => this.reopen(model.openAll(), null),
      closeAll: () => this.reopen(model.closeAll(), null),
      outline: shown => {
        this.outline.element.hidden = !shown;
        this.toolbar.showOutline(shown);
        stage.repaint();
      }
    });
  }

  private listen(): void {
    const { stage } = this;
    new Input(stage.canvas, stage.camera, {
      hover: (x, y) => this.hover(x, y),
      leave: () => this.overlays.hideTooltip(),
      click: (x, y) => this.click(x, y),
      open: (x, y) => this.open(stage.itemAt(x, y)),
      key: event => this.key(event),
      moved: () => {
        this.untouched = false;
        this.overlays.hideTooltip();
        stage.repaint();
      }
    });
  }

  /** Boxes were placed anew. Holds `anchor` (or the first box still there) where it is. */
  private sceneChanged(before: Scene | null, anchor: string | null): void {
    const { model, stage } = this;
    if (!model.scene) {
      return;
    }
    if (before) {
      const moved = displacement(before, model.scene, anchor);
      if (this.untouched && anchor === null) {
        this.frame();
      } else {
        stage.camera.panBy(-moved[0] * stage.camera.scale, -moved[1] * stage.camera.scale);
      }
      stage.morph.begin(before, moved[0], moved[1], performance.now());
    } else {
      this.frame();
    }
    stage.marks.hovered = -1;
    this.refreshMarks();
  }

  /** Until the user moved the picture it shows itself from its beginning, or the error. */
  private frame(): void {
    const { scene, graph } = this.model;
    if (!scene || !this.untouched) {
      return;
    }
    this.stage.camera.open(scene.width, scene.height);
    const failed = graph?.errors.find(e => e.node >= 0)?.node ?? -1;
    const item = failed >= 0 ? this.model.itemOf({ kind: 'node', ref: failed }) : null;
    if (item) {
      this.stage.camera.reveal({ ...item, height: item.height + 110 });
    }
  }

  private refreshMarks(): void {
    const { model, stage, selection } = this;
    const { scene, values } = model;
    if (!scene) {
      return;
    }
    const itemsOf = (hits: Hit[]) => new Set(hits.map(hit => model.itemOf(hit)?.index ?? -1));
    stage.marks.selected = itemsOf(selection.hits);
    stage.marks.matches = itemsOf(this.finder.hits);
    const { from, to } = scene.graph;
    const chosen = stage.marks.selected;
    const touches = (e: number) =>
      chosen.has(scene.itemOfNode[from[e]]) || chosen.has(scene.itemOfNode[to[e]]);
    stage.marks.touched = chosen.size > 0 ? markWires(scene, touches) : null;
    const flows = (e: number) => values?.reached[from[e]] === 1 && values.reached[to[e]] === 1;
    stage.marks.reached = model.direction === 'backward' ? markWires(scene, flows) : null;
    this.overlays.showLegend(model);
    this.outline.update(selection.hit && model.itemOf(selection.hit));
    stage.repaint();
  }

  private inspect(values: boolean): void {
    const now = performance.now();
    const early = values && now - this.inspectedAt < INSPECTOR_PACE;
    if (!early) {
      this.inspectedAt = now;
      this.inspector.show(this.model.graph, this.model.values, this.selection.hit);
    } else {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.update(), INSPECTOR_PACE);
    }
  }

  private select(hit: Hit | null): void {
    this.selection.choose(this.model.graph, hit);
    if (hit) {
      this.show(hit);
    }
    this.refreshMarks();
    this.inspect(false);
    const item = hit && this.model.itemOf(hit);
    const { scene } = this.model;
    this.spoken.textContent = item && scene ? describe(scene, item) : '';
  }

  /** Opens what hides a hit and brings it into view. */
  private show(hit: Hit): void {
    const before = this.model.openTo(hit);
    if (before) {
      this.opened(before, null);
    }
    const item = this.model.itemOf(hit);
    if (item) {
      this.untouched = false;
      const place = item.kind === 'group' ? { ...item, height: 60 } : item;
      this.stage.camera.reveal(place);
      this.stage.repaint();
    }
  }

  private toggle(key: string): void {
    this.reopen(this.model.toggle(key), `module:${key}`);
  }

  private reopen(before: Scene | null, anchor: string | null): void {
    if (before) {
      this.untouched &&= anchor === null;
      this.opened(before, anchor);
    }
  }

  private opened(before: Scene, anchor: string | null): void {
    this.sceneChanged(before, anchor);
    this.options.onOpened?.([...this.model.openKeys]);
  }

  private open(item: Item | null): void {
    if (item && (item.kind === 'module' || item.kind === 'group')) {
      this.toggle(this.model.graph?.modules[item.ref].key ?? '');
    }
  }

  private click(x: number, y: number): void {
    const item = this.stage.itemAt(x, y);
    this.select(item && hitOf(item));
  }

  private hover(x: number, y: number): void {
    const item = this.stage.itemAt(x, y);
    const { marks, canvas } = this.stage;
    if (marks.hovered !== (item?.index ?? -1)) {
      marks.hovered = item?.index ?? -1;
      this.stage.repaint();
    }
    canvas.classList.toggle('fb-pointing', item !== null);
    const lines = item && item.kind !== 'group' ? tooltipLines(this.model, item, this.trace) : null;
    if (lines) {
      this.overlays.showTooltip(lines[0], lines.slice(1), { x, y });
    } else {
      this.overlays.hideTooltip();
    }
  }

  private key(event: KeyboardEvent): boolean {
    const item = this.selection.hit && this.model.itemOf(this.selection.hit);
    return pressed(event.key, item, {
      walk: step => this.walkTo(step, item),
      open: opened => this.open(opened),
      close: closed => this.close(closed),
      select: hit => this.select(hit),
      fit: () => this.fit(),
      zoom: factor => this.zoom(factor),
      focusSearch: () => this.toolbar.focusSearch()
    });
  }

  private walkTo(step: Step, item: Item | null): void {
    const { scene } = this.model;
    const next = scene && walk(scene, item, step);
    if (next) {
      this.select(hitOf(next));
    }
  }

  /** Closes a group, or the one around an item. */
  private close(item: Item): void {
    const group = item.kind === 'group' ? item : this.model.scene?.items[item.parent];
    if (group?.kind === 'group') {
      this.open(group);
      this.select(hitOf(group));
    }
  }

  private fit(): void {
    const { scene } = this.model;
    if (scene) {
      this.untouched = false;
      this.stage.camera.fit(scene.width, scene.height);
      this.stage.repaint();
    }
  }

  private zoom(factor: number): void {
    const { camera } = this.stage;
    this.untouched = false;
    camera.zoomAt(camera.width / 2, camera.height / 2, factor);
    this.stage.repaint();
  }

  private paintMetric(metric: Metric, direction: Direction): void {
    this.model.paint(metric, direction);
    this.toolbar.showDirection(direction);
    this.refreshMarks();
  }

  private find(query: string): void {
    this.finder.find(this.model.graph, query);
    this.toolbar.showCount(this.finder.summary);
    this.refreshMarks();
  }

  private nextHit(step: number): void {
    const hit = this.finder.next(step);
    this.toolbar.showCount(this.finder.summary);
    if (hit) {
      this.select(hit);
    }
  }

  private painted(): void {
    const { graph } = this.model;
    this.overlays.showErrors(graph, i => {
      const error = graph?.errors[i];
      const isNode = error && error.node >= 0;
      const ref = isNode ? error.node : (error?.module ?? -1);
      const item = ref >= 0 ? this.model.itemOf({ kind: isNode ? 'node' : 'module', ref }) : null;
      if (!item) {
        return { x: 40, y: 0 }; // belongs to no box: at the top of the picture
      }
      const place = this.stage.morph.placeOf(item);
      const [x, y] = this.stage.camera.toScreen(
        place.x + place.width / 2,
        place.y + place.height
      );
      return { x, y };
    });
  }
}

/** How far a box that both scenes have went: the one named, or the first. */
function displacement(before: Scene, after: Scene, key: string | null): [number, number] {
  const old = new Map(before.items.map(item => [item.key, item]));
  const named = after.items.find(item => item.key === key);
  const item = named ?? after.items.find(i => i.kind !== 'root' && old.has(i.key));
  const was = item && old.get(item.key);
  return item && was ? [item.x + item.anchor - was.x - was.anchor, item.y - was.y] : [0, 0];
}
