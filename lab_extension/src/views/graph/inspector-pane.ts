// The inspector beside the graph: drawn anew now and then while values stream in.

import type { Session } from '../../trace/session';
import { Inspector } from '../inspector';
import type { InspectorActions } from '../inspector';
import type { GraphModel } from './model';
import type { Hit } from './search';

/** At most this often, in milliseconds. */
const PACE = 400;

export class InspectorPane {
  readonly element: HTMLElement;
  private readonly inspector: Inspector;
  private drawnAt = -Infinity;

  /** `again` is to call `show` after a time. */
  constructor(
    private readonly session: Session,
    actions: InspectorActions,
    private readonly again: (milliseconds: number) => void
  ) {
    this.inspector = new Inspector(session, actions);
    this.element = this.inspector.element;
  }

  show({ graph, values }: GraphModel, hit: Hit | null, streaming: boolean): void {
    const now = performance.now();
    if (streaming && now - this.drawnAt < PACE) {
      this.again(PACE);
      return;
    }
    this.drawnAt = now;
    if (graph?.epoch === this.session.trace.epoch) {
      this.inspector.show(graph, values, hit);
    }
  }
}
