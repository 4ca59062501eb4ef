// The app of src/widget as a Lumino widget.

import { Widget } from '@lumino/widgets';

import type { Session } from '../trace/session';
import { mount } from '../widget/app';

export class AppWidget extends Widget {
  private readonly unmount: () => void;

  constructor(session: Session) {
    super();
    this.addClass('fb-app-widget');
    this.unmount = mount(this.node, session, 'live');
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.unmount();
    super.dispose();
  }
}
