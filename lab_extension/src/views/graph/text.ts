// Text on the canvas: cut to its room, with measurements kept.

const KEPT = 4000;

export class TextFitter {
  private readonly fitted = new Map<string, string>();

  /** The text, or its beginning and "…", so that it is at most `room` wide. */
  fit(context: CanvasRenderingContext2D, text: string, room: number): string {
    const key = `${context.font}|${Math.round(room)}|${text}`;
    let result = this.fitted.get(key);
    if (result === undefined) {
      result = cut(context, text, room);
      if (this.fitted.size > KEPT) {
        this.fitted.clear();
      }
      this.fitted.set(key, result);
    }
    return result;
  }
}

function cut(context: CanvasRenderingContext2D, text: string, room: number): string {
  const whole = text.slice(0, 200);
  if (context.measureText(whole).width <= room) {
    return whole;
  }
  let low = 0;
  let high = whole.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${whole.slice(0, middle)}…`).width <= room) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low > 0 ? `${whole.slice(0, low)}…` : '';
}
