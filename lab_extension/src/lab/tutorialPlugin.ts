// The launcher card and the command that open the first tutorial.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Dialog, ICommandPalette, showDialog } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import type { Contents } from '@jupyterlab/services';

import { torchIcon } from './icon';
import { CATEGORY, CommandIDs } from './tokens';

/** Where it may be, seen from where JupyterLab was started. */
const CANDIDATES = ['tutorials/00_start.ipynb', '00_start.ipynb'];

async function find(contents: Contents.IManager): Promise<string | null> {
  for (const path of CANDIDATES) {
    const found = await contents.get(path, { content: false }).then(
      () => true,
      () => false
    );
    if (found) return path;
  }
  return null;
}

async function open(app: JupyterFrontEnd): Promise<void> {
  const path = await find(app.serviceManager.contents);
  if (path) {
    await app.commands.execute('docmanager:open', { path });
    return;
  }
  await showDialog({
    title: 'The tutorials are not in this folder',
    body:
      'Looked for tutorials/00_start.ipynb and 00_start.ipynb where JupyterLab was started. ' +
      'In a terminal, "flambeau lab FOLDER" puts the tutorials into a folder and opens it.',
    buttons: [Dialog.okButton()]
  });
}

export const tutorialPlugin: JupyterFrontEndPlugin<void> = {
  id: 'flambeau:tutorial',
  description: 'Opens the first tutorial from the launcher and the command palette.',
  autoStart: true,
  optional: [ILauncher, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    launcher: ILauncher | null,
    palette: ICommandPalette | null
  ) => {
    const command = CommandIDs.openTutorial;
    app.commands.addCommand(command, {
      label: args => (args['isLauncher'] ? 'First tutorial' : 'Open the First Tutorial'),
      caption: 'Train a network on handwritten digits and watch it learn',
      icon: torchIcon,
      execute: () => open(app)
    });
    launcher?.add({ command, category: CATEGORY, args: { isLauncher: true }, rank: 0 });
    palette?.addItem({ command, category: CATEGORY });
  }
};
