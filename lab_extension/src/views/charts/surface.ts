// A canvas that fills its box, is sharp on every screen and follows the theme.

import { onThemeChange, readTheme } from '../theme';
import type { Theme } from '../theme';

export interface Pen {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
  theme: Theme;
}

export class Surface {
  readonly canvas = document.createElement('canvas');
  private readonly resized: ResizeObserver;
  private readonly stopTheme: () => void;
  private frame = 0;

  constructor(private readonly paint: (pen: Pen) => void) {
    this.canvas.className = 'fbc-canvas';
    this.resized = new ResizeObserver(() => this.repaint());
    this.resized.observe(this.canvas);
    this.stopTheme = onThemeChange(() => this.repaint());
  }

  get width(): number {
    return this.canvas.clientWidth;
  }

  get height(): number {
    return this.canvas.clientHeight;
  }

  /** Paints before the next frame, however often it is called. */
  repaint(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.paintNow();
    });
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.resized.disconnect();
    this.stopTheme();
  }

  private paintNow(): void {
    const { canvas, width, height } = this;
    if (width === 0 || height === 0) return; // hidden
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext('2d')!;
    context.scale(ratio, ratio);
    this.paint({ context, width, height, theme: readTheme(canvas) });
  }
}
