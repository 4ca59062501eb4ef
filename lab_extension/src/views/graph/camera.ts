// Where the picture is looked at from: screen = world * scale + offset, in CSS pixels.

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

const SMALLEST = 0.02;
const LARGEST = 3;

export class Camera {
  x = 0;
  y = 0;
  scale = 1;
  width = 1;
  height = 1;

  toWorld(x: number, y: number): [number, number] {
    return [(x - this.x) / this.scale, (y - this.y) / this.scale];
  }

  toScreen(x: number, y: number): [number, number] {
    return [x * this.scale + this.x, y * this.scale + this.y];
  }

  /** The part of the world that is seen. */
  get seen(): Rect {
    const [x, y] = this.toWorld(0, 0);
    return { x, y, width: this.width / this.scale, height: this.height / this.scale };
  }

  panBy(dx: number, dy: number): void {
    this.x += dx;
    this.y += dy;
  }

  /** Zooms by a factor; the world under the screen point stays under it. */
  zoomAt(x: number, y: number, factor: number): void {
    const scale = clamp(this.scale * factor, SMALLEST, LARGEST);
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
  }

  /** All of a world of this size in the middle. */
  fit(width: number, height: number): void {
    const scale = Math.min(this.width / width, this.height / height);
    this.scale = clamp(scale, SMALLEST, 1);
    this.x = (this.width - width * this.scale) / 2;
    this.y = (this.height - height * this.scale) / 2;
  }

  /** As fit, but stays legible: what is too long begins at its top. */
  open(width: number, height: number): void {
    const whole = (this.height - 8) / height;
    this.scale = clamp(Math.min((this.width - 8) / width, Math.max(whole, 0.88)), 0.5, 1);
    this.x = (this.width - width * this.scale) / 2;
    this.y = Math.max((this.height - height * this.scale) / 2, 0);
  }

  /** Moves just as far as needed for a box to be seen, zooming in when it would be too small. */
  reveal(box: Rect): void {
    if (this.scale < 0.6) {
      const [x, y] = this.toScreen(box.x + box.width / 2, box.y);
      this.zoomAt(x, y, 0.85 / this.scale);
    }
    const [left, top] = this.toScreen(box.x, box.y);
    this.x += shift(left, box.width * this.scale, this.width);
    this.y += shift(top, box.height * this.scale, this.height);
  }
}

const MARGIN = 36;

/** How far to move a span so that it (or at least its beginning) lies in 0 … size. */
function shift(start: number, length: number, size: number): number {
  if (start >= 8 && start + length <= size - 8) {
    return 0;
  }
  const room = size - length;
  return (room > 2 * MARGIN ? clamp(start, MARGIN, room - MARGIN) : MARGIN) - start;
}

export function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
