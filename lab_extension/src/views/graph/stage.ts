// The canvas of the graph view: sizes it, paints it once a frame at most, finds what is hit.

import { h } from '../dom';
import { onThemeChange, readTheme } from '../theme';
import type { Theme } from '../theme';
import { Camera } from './camera';
import type { GraphModel } from './model';
import { Morph } from './morph';
import { paint } from './paint';
import type { Marks } from './paint';
import type { Item } from './scene';
import { TextFitter } from './text';

export class Stage {
  readonly element = h('div', { class: 'fb-stage' });
  readonly canvas = h('canvas', {
    class: 'fb-canvas',
    tabindex: 0,
    role: 'application',
    'aria-roledescription': 'graph',
    'aria-label':
      'Graph of the network. Arrow keys follow the lines, Enter opens and closes a module, ' +
      'slash searches. The outline shows the same as text.'
  });
  readonly camera = new Camera();
  readonly morph = new Morph();
  readonly marks: Marks = {
    selected: new Set(),
    matches: new Set(),
    hovered: -1,
    touched: null,
    reached: null
  };
  onPainted: () => void = () => undefined;
  /** Told by how much the middle went to the right. */
  onResized: (shift: number) => void = () => undefined;

  private readonly context = this.canvas.getContext('2d', { alpha: false });
  private readonly fitter = new TextFitter();
  private readonly resizes: ResizeObserver;
  private readonly stopTheme: () => void;
  private theme: Theme | null = null;
  private drawn: Item[] = [];
  private asked = 0;

  constructor(private readonly model: GraphModel) {
    this.element.append(this.canvas);
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(this.element);
    this.stopTheme = onThemeChange(() => {
      this.theme = null;
      this.repaint();
    });
  }

  dispose(): void {
    this.resizes.disconnect();
    this.stopTheme();
    cancelAnimationFrame(this.asked);
  }

  repaint(): void {
    if (!this.asked) {
      this.asked = requestAnimationFrame(now => {
        this.asked = 0;
        this.paint(now);
      });
    }
  }

  /** The topmost item at a point of the canvas. */
  itemAt(x: number, y: number): Item | null {
    const [wx, wy] = this.camera.toWorld(x, y);
    const inside = (item: Item) =>
      wx >= item.x && wx <= item.x + item.width && wy >= item.y && wy <= item.y + item.height;
    for (let i = this.drawn.length - 1; i >= 0; i--) {
      if (inside(this.drawn[i])) {
        return deepest(this.drawn.filter(inside));
      }
    }
    return null;
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === 0 || clientHeight === 0) {
      return; // hidden: keep the picture
    }
    const shift = (clientWidth - this.camera.width) / 2;
    this.camera.width = clientWidth;
    this.camera.height = clientHeight;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    this.onResized(shift);
    this.paint(performance.now()); // at once: a resized canvas is blank
  }

  private paint(now: number): void {
    if (!this.context || !this.element.isConnected || this.camera.width < 2) {
      return;
    }
    this.theme ??= readTheme(this.element);
    const { model, camera, morph, theme, marks } = this;
    const gliding = camera.at(now);
    const moving = morph.at(now) || gliding;
    const ratio = this.canvas.width / camera.width;
    this.drawn = paint(this.context, this.fitter, { model, camera, morph, theme, marks, ratio });
    this.onPainted();
    if (moving) {
      this.repaint();
    }
  }
}

function deepest(items: Item[]): Item {
  return items.reduce((a, b) => (b.depth >= a.depth ? b : a));
}
