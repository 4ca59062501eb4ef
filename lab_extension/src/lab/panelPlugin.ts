// The side panel that follows the active notebook.

import { ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';

import { followActive } from './follow';
import { torchIcon } from './icon';
import { KernelHub } from './kernelHub';
import './lab.css';
import { FlambeauPanel, PANEL_ID } from './panel';
import { CATEGORY, CommandIDs, IKernelHub } from './tokens';

export const hubPlugin: JupyterFrontEndPlugin<KernelHub> = {
  id: 'flambeau:kernels',
  description: 'Follows the kernel of the active notebook and keeps what it recorded.',
  autoStart: true,
  requires: [INotebookTracker],
  provides: IKernelHub,
  activate: (app: JupyterFrontEnd, notebooks: INotebookTracker) => {
    const hub = new KernelHub();
    followActive(app, notebooks, context => hub.follow(context));
    return hub;
  }
};

export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: 'flambeau:panel',
  description: 'A side panel with the graph, gradients and memory of the active notebook.',
  autoStart: true,
  requires: [IKernelHub],
  optional: [ICommandPalette, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    hub: KernelHub,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ) => {
    const panel = new FlambeauPanel(hub, () => void app.commands.execute(CommandIDs.openTutorial));
    app.shell.add(panel, 'right', { rank: 350, type: 'Flambeau' });
    restorer?.add(panel, PANEL_ID);
    app.commands.addCommand(CommandIDs.openPanel, {
      label: 'Open Flambeau Panel',
      caption: 'Show the graph, gradients and memory of the active notebook',
      icon: torchIcon,
      execute: () => app.shell.activateById(PANEL_ID)
    });
    palette?.addItem({ command: CommandIDs.openPanel, category: CATEGORY });
  }
};
