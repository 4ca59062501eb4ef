// Status bar: "Flambeau: cpu · 3.2 MB" while the active notebook records.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { Widget } from '@lumino/widgets';

import { h } from '../views/dom';
import { formatBytes } from '../views/format';
import type { KernelHub } from './kernelHub';
import { CommandIDs, IKernelHub } from './tokens';

class StatusItem extends Widget {
  private readonly button = h('button', { class: 'fb-status-item', type: 'button' });

  constructor(
    private readonly hub: KernelHub,
    openPanel: () => void
  ) {
    super();
    this.button.addEventListener('click', openPanel);
    this.node.append(this.button);
    hub.changed.connect(this.refresh, this);
    this.refresh();
  }

  get isActive(): boolean {
    return this.hub.current?.isLive ?? false;
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.hub.changed.disconnect(this.refresh, this);
    super.dispose();
  }

  private refresh(): void {
    const status = this.hub.current?.session.status;
    if (!this.isActive || !status) return;
    const text = `Flambeau: ${status.device || 'cpu'} · ${formatBytes(status.live)}`;
    if (this.button.textContent !== text) this.button.textContent = text;
    this.button.title = `${formatBytes(status.live)} in use, at most ${formatBytes(status.peak)}`;
  }
}

export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'flambeau:status',
  description: 'Device and bytes in use of the active notebook, in the status bar.',
  autoStart: true,
  requires: [IKernelHub],
  optional: [IStatusBar],
  activate: (app: JupyterFrontEnd, hub: KernelHub, statusBar: IStatusBar | null) => {
    if (!statusBar) return;
    const item = new StatusItem(hub, () => void app.commands.execute(CommandIDs.openPanel));
    statusBar.registerStatusItem('flambeau:status', {
      item,
      align: 'left',
      rank: 100,
      isActive: () => item.isActive,
      activeStateChanged: hub.changed
    });
  }
};
