// Where the picture is looked at from: screen = world * scale + offset, in CSS pixels.

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Where the picture lies on the screen. */
interface Position {
  x: number;
  y: number;
  scale: number;
}

const SMALLEST = 0.02;
const LARGEST = 3;
/** Below this scale text is hard to read. */
const LEGIBLE = 0.8;
/** How long a glide takes, in milliseconds. */
const GLIDE = 220;

export class Camera {
  x = 0;
  y = 0;
  scale = 1;
  width = 1;
  height = 1;
  private flight: { from: Position; to: Position; start: number } | null = null;

  /** Glides from what is seen now to where `change` leads. */
  glide(change: () => void, now: number): void {
    const from = this.position;
    Object.assign(this, this.flight?.to);
    this.flight = null;
    change();
    this.flight = { from, to: this.position, start: now };
    Object.assign(this, from);
  }

  /** Sets the time; true while a glide is under way. */
  at(now: number): boolean {
    if (!this.flight) {
      return false;
    }
    const { from, to, start } = this.flight;
    const t = clamp((now - start) / GLIDE, 0, 1);
    const eased = 1 - (1 - t) ** 3;
    this.x = from.x + (to.x - from.x) * eased;
    this.y = from.y + (to.y - from.y) * eased;
    this.scale = from.scale + (to.scale - from.scale) * eased;
    this.flight = t < 1 ? this.flight : null;
    return t < 1;
  }

  /** Stays where it is, in mid-glide too. */
  stop(): void {
    this.flight = null;
  }

  private get position(): Position {
    return { x: this.x, y: this.y, scale: this.scale };
  }

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

  /** Moves the picture, and with it a glide that is under way. */
  panBy(dx: number, dy: number): void {
    for (const position of [this, this.flight?.from, this.flight?.to]) {
      if (position) {
        position.x += dx;
        position.y += dy;
      }
    }
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
    this.scale = clamp(Math.min((this.width - 8) / width, Math.max(whole, LEGIBLE)), 0.5, 1);
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
