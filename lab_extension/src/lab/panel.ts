// The side panel: the picture of the kernel that is followed, or the way to get one.

import { PanelLayout, Widget } from '@lumino/widgets';

import { AppWidget } from './appWidget';
import { torchIcon } from './icon';
import type { KernelHub } from './kernelHub';
import type { KernelLink } from './kernelLink';
import { Welcome } from './welcome';

export const PANEL_ID = 'flambeau-panel';

export class FlambeauPanel extends Widget {
  private readonly pictures = new Map<KernelLink, AppWidget>();
  private readonly welcome: Welcome;
  private readonly stack = new PanelLayout();

  constructor(
    private readonly hub: KernelHub,
    openTutorial: () => void
  ) {
    super();
    this.id = PANEL_ID;
    this.title.icon = torchIcon;
    this.title.caption = 'Flambeau';
    this.addClass('fb-panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Flambeau');
    this.layout = this.stack;
    this.welcome = new Welcome(openTutorial);
    this.stack.addWidget(this.welcome);
    hub.changed.connect(this.refresh, this);
    this.refresh();
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.hub.changed.disconnect(this.refresh, this);
    super.dispose();
  }

  private refresh(): void {
    const link = this.hub.current;
    const picture = link?.hasPicture ? this.picture(link) : null;
    this.welcome.setHidden(picture !== null);
    if (!picture) this.welcome.follow(link);
    for (const [other, widget] of this.pictures) {
      if (other.isDisposed) {
        widget.dispose();
        this.pictures.delete(other);
      } else {
        widget.setHidden(widget !== picture);
      }
    }
  }

  /** Kept while it is out of sight: coming back finds it as it was left. */
  private picture(link: KernelLink): AppWidget {
    let picture = this.pictures.get(link);
    if (!picture) {
      picture = new AppWidget(link.session);
      this.pictures.set(link, picture);
      this.stack.addWidget(picture);
    }
    return picture;
  }
}
