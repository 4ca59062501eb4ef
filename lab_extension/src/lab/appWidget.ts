// The app of src/widget as a Lumino widget.

import { Widget } from '@lumino/widgets';

import type { Session } from '../trace/session';
import { mount } from '../widget/app';
import type { Mounted } from '../widget/app';

export class AppWidget extends Widget {
  private readonly app: Mounted;

  constructor(session: Session) {
    super();
    this.addClass('fb-app-widget');
    this.app = mount(this.node, session, 'live');
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.app.dispose();
    super.dispose();
  }
}
