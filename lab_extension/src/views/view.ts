// What every view is: an element, and a way to bring it up to date.

/** A view reads one Session. Its owner (src/widget/app.ts) calls `update` once per animation
 *  frame after the session changed and while the view is shown, and `dispose` at the end. */
export interface View {
  readonly element: HTMLElement;
  update(): void;
  dispose(): void;
}
