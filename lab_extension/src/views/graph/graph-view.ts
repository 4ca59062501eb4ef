// The graph of one iteration: what the code built, as boxes that open.

import type { Direction, Metric } from '../../trace/metrics';
import type { Session } from '../../trace/session';
import { h } from '../dom';
import type { View } from '../view';
import { Finder } from './finder';
import { Hover } from './hover';
import { Input } from './input';
import { InspectorPane } from './inspector-pane';
import { pressed } from './keys';
import { describe } from './labels';
import { marking } from './marking';
import { GraphModel, hitOf } from './model';
import { Navigator } from './navigator';
import { Outline } from './outline';
import { Overlays } from './overlays';
import type { Item, Scene } from './scene';
import type { Hit } from './search';
import { GraphSelection } from './selection';
import { Stage } from './stage';
import { Toolbar } from './toolbar';
import { walk } from './walk';
import type { Step } from './walk';

export interface GraphOptions {
  /** Called when modules were opened or closed, with the keys of the opened ones. */
  onOpened?: (keys: string[]) => void;
}

/** The inspector opens this long after a click, so that a double click meets the same picture twice. */
const DOUBLE_CLICK = 240;
/** The chevron of a box, from its left edge. */
const CHEVRON = 24;

export class GraphView implements View {
  readonly element: HTMLElement;
  private readonly model: GraphModel;
  private readonly stage: Stage;
  private readonly navigator: Navigator;
  private readonly overlays: Overlays;
  private readonly hover: Hover;
  private readonly toolbar: Toolbar;
  private readonly outline: Outline;
  private readonly inspector: InspectorPane;
  private readonly selection: GraphSelection;
  private readonly finder: Finder;
  private readonly spoken = h('div', { class: 'fb-hidden', 'aria-live': 'polite' });
  private readonly watcher: ResizeObserver;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private inspectorTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly session: Session,
    private readonly options: GraphOptions = {}
  ) {
    this.model = new GraphModel(session);
    this.selection = new GraphSelection(session);
    this.finder = new Finder(session.trace);
    this.stage = new Stage(this.model);
    this.navigator = new Navigator(this.model, this.stage);
    this.overlays = new Overlays(this.stage.element, whole => this.showWhole(whole));
    this.hover = new Hover(session.trace, this.model, this.stage, this.overlays);
    this.toolbar = this.makeToolbar();
    const select = (hit: Hit) => this.select(hit);
    this.outline = new Outline(this.model, { select, toggle: key => this.toggle(key) });
    this.outline.element.hidden = true;
    const actions = { select, close: () => this.select(null) };
    this.inspector = new InspectorPane(session, actions, time => this.updateAfter(time));
    const body = h('div', { class: 'fb-graph-body' }, this.outline.element, this.stage.element);
    body.append(this.inspector.element);
    this.element = h('div', { class: 'fb-graph' }, this.toolbar.element, body);
    this.element.append(this.overlays.legend, this.spoken);
    this.watcher = new ResizeObserver(() => {
      this.element.classList.toggle('fb-narrow', this.element.clientWidth < 640);
    });
    this.watcher.observe(this.element);
    this.stage.onPainted = () => this.overlays.placeErrors(this.model, this.stage);
    this.stage.onResized = shift => this.resized(shift);
    this.listen();
  }

  update(): void {
    if (this.selection.isNew && this.model.leavesOut(this.session.selection.ops)) {
      this.model.showWhole(true);
    }
    const change = this.model.refresh(performance.now());
    if (this.model.pending) {
      this.updateAfter(250);
    }
    const { graph } = this.model;
    this.overlays.showEmpty(graph ? null : this.session.status);
    if (!graph) {
      return;
    }
    if (change.graph) {
      this.selection.carryOver(graph);
      this.finder.again(graph);
    }
    if (change.scene) {
      this.stage.marks.hovered = -1;
      this.navigator.grown(change.before, this.selection.hit);
    }
    if (this.selection.follow(graph) && this.selection.hit) {
      this.show(this.selection.hit);
    }
    this.mark();
    this.inspect(change.graph);
  }

  /** Opens exactly these modules, as Python or a saved notebook asks. */
  setOpened(keys: string[]): void {
    const before = this.model.open(keys);
    if (before) {
      this.navigator.opened(before, null);
      this.mark();
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    clearTimeout(this.inspectorTimer);
    this.watcher.disconnect();
    this.stage.dispose();
    this.element.remove();
  }

  private makeToolbar(): Toolbar {
    const { model, navigator } = this;
    return new Toolbar({
      search: query => this.find(query),
      next: step => this.nextHit(step),
      direction: direction => this.paintMetric(model.metric, direction),
      metric: metric => this.paintMetric(metric, model.direction),
      fit: () => navigator.fit(),
      zoom: factor => navigator.zoom(factor),
      openAll: () => this.opened(model.openAll(), null),
      closeAll: () => this.opened(model.closeAll(), null),
      outline: shown => {
        this.outline.element.hidden = !shown;
        this.mark();
        this.toolbar.showOutline(shown);
      }
    });
  }

  private listen(): void {
    const { stage } = this;
    new Input(stage.canvas, stage.camera, {
      hover: (x, y) => this.hover.move(x, y),
      leave: () => this.overlays.hideTooltip(),
      click: (x, y) => this.click(x, y),
      open: (x, y) => this.open(this.hover.itemAt(x, y)),
      key: event => this.key(event),
      moved: () => {
        this.overlays.hideTooltip();
        this.navigator.byHand();
      }
    });
  }

  private updateAfter(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.update(), milliseconds);
  }

  private mark(): void {
    const { model, stage, selection, overlays } = this;
    Object.assign(stage.marks, marking(model, selection.hits, this.finder.hits));
    overlays.showLegend(model);
    overlays.showNote(model);
    this.toolbar.showCount(this.finder.summary);
    this.outline.update(selection.hit && model.itemOf(selection.hit));
    stage.repaint();
  }

  private inspect(streaming: boolean): void {
    this.inspector.show(this.model, this.selection.hit, streaming);
  }

  private showWhole(whole: boolean): void {
    this.model.showWhole(whole);
    this.update();
  }

  private resized(shift: number): void {
    this.navigator.resized(shift);
    if (this.selection.hit && !this.inspector.element.hidden) {
      this.navigator.reveal(this.selection.hit);
    }
  }

  private select(hit: Hit | null): void {
    const { model, selection } = this;
    selection.choose(model.graph, hit);
    if (hit) {
      this.show(hit);
    }
    this.mark();
    this.inspect(false);
    const item = hit && model.itemOf(hit);
    this.spoken.textContent = item && model.scene ? describe(model.scene, item) : '';
  }

  /** Opens what hides a hit and brings it into view. */
  private show(hit: Hit): void {
    this.opened(this.model.openTo(hit), null);
    this.navigator.reveal(hit);
  }

  private toggle(key: string): void {
    this.opened(this.model.toggle(key), `module:${key}`);
  }

  private opened(before: Scene | null, anchor: string | null): void {
    if (before) {
      this.stage.marks.hovered = -1;
      this.navigator.opened(before, anchor);
      this.mark();
      this.options.onOpened?.([...this.model.openKeys]);
    }
  }

  private open(item: Item | null): void {
    if (item && (item.kind === 'module' || item.kind === 'group')) {
      clearTimeout(this.inspectorTimer);
      this.toggle(this.model.graph?.modules[item.ref].key ?? '');
    }
  }

  /** Closes a group, or the one around an item. */
  private close(item: Item): void {
    const group = item.kind === 'group' ? item : this.model.scene?.items[item.parent];
    if (group?.kind === 'group') {
      const hit = hitOf(group);
      this.open(group);
      this.select(hit);
    }
  }

  private click(x: number, y: number): void {
    this.overlays.hideTooltip();
    clearTimeout(this.inspectorTimer);
    const item = this.hover.itemAt(x, y);
    const [wx] = this.stage.camera.toWorld(x, y);
    const isModule = item?.kind === 'module' || item?.kind === 'group';
    if (item && isModule && wx < item.x + CHEVRON) {
      this.open(item);
    } else if (item && this.inspector.element.hidden) {
      this.stage.marks.selected = new Set([item.index]);
      this.stage.repaint();
      this.inspectorTimer = setTimeout(() => this.select(hitOf(item)), DOUBLE_CLICK);
    } else {
      this.select(item && hitOf(item));
    }
  }

  private key(event: KeyboardEvent): boolean {
    const item = this.selection.hit && this.model.itemOf(this.selection.hit);
    return pressed(event.key, item, {
      walk: step => this.walkTo(step, item),
      open: opened => this.open(opened),
      close: closed => this.close(closed),
      select: hit => this.select(hit),
      fit: () => this.navigator.fit(),
      zoom: factor => this.navigator.zoom(factor),
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

  private paintMetric(metric: Metric, direction: Direction): void {
    this.model.paint(metric, direction);
    this.toolbar.showDirection(direction);
    this.mark();
  }

  private find(query: string): void {
    this.finder.find(this.model.graph, query);
    this.mark();
  }

  private nextHit(step: number): void {
    const hit = this.finder.next(step);
    if (hit) {
      this.select(hit);
    }
  }
}
