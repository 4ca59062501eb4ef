// The strokes and texts that boxes are made of.

import type { Theme } from '../theme';
import type { TextFitter } from './text';

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export class Pen {
  constructor(
    readonly context: CanvasRenderingContext2D,
    private readonly fitter: TextFitter,
    private readonly theme: Theme
  ) {}

  shape(place: Box, radius: number): void {
    this.context.beginPath();
    this.context.roundRect(place.x, place.y, place.width, place.height, radius);
  }

  chevron(x: number, y: number, down: boolean, color: string): void {
    const { context } = this;
    context.beginPath();
    if (down) {
      context.moveTo(x - 3.5, y - 2);
      context.lineTo(x, y + 2);
      context.lineTo(x + 3.5, y - 2);
    } else {
      context.moveTo(x - 2, y - 3.5);
      context.lineTo(x + 2, y);
      context.lineTo(x - 2, y + 3.5);
    }
    context.strokeStyle = color;
    context.lineWidth = 1.5;
    context.stroke();
  }

  /** A triangle with "!"; returns the room it takes. */
  failureMark(right: number, y: number): number {
    const { context, theme } = this;
    context.beginPath();
    context.moveTo(right - 7, y - 7);
    context.lineTo(right, y + 5.5);
    context.lineTo(right - 14, y + 5.5);
    context.closePath();
    context.fillStyle = theme.error;
    context.fill();
    this.font(700, 9);
    context.fillStyle = theme.surface;
    context.textAlign = 'center';
    context.fillText('!', right - 7, y + 1);
    context.textAlign = 'left';
    return 20;
  }

  font(weight: number, size: number): void {
    this.context.font = `${weight} ${size}px ${this.theme.font}`;
    this.context.textBaseline = 'middle';
  }

  /** Draws text from the left; returns its width. */
  text(text: string, x: number, y: number, room: number, color: string): number {
    const shown = room > 8 ? this.fitter.fit(this.context, text, room) : '';
    this.context.fillStyle = color;
    this.context.fillText(shown, x, y);
    return shown ? this.context.measureText(shown).width : 0;
  }

  /** Draws text that ends at `right`; returns its width. */
  textRight(text: string, right: number, y: number, room: number, color: string): number {
    const shown = room > 8 ? this.fitter.fit(this.context, text, room) : '';
    const { width } = this.context.measureText(shown);
    this.context.fillStyle = color;
    this.context.fillText(shown, right - width, y);
    return width;
  }
}
