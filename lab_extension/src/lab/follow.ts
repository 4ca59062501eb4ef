// Which notebook or console the user works in.

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ISessionContext } from '@jupyterlab/apputils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Widget } from '@lumino/widgets';

/** Calls back with the session of the active notebook or console, now and when it changes.
 *  The panel itself, the file browser and the like have none: then the last one stays. */
export function followActive(
  app: JupyterFrontEnd,
  notebooks: INotebookTracker,
  callback: (context: ISessionContext | null) => void
): void {
  const look = (widget: Widget | null | undefined) => {
    const context = sessionContextOf(widget);
    if (context) callback(context);
  };
  notebooks.currentChanged.connect((_sender, panel) => look(panel));
  app.shell.currentChanged?.connect(() => look(app.shell.currentWidget));
  void app.restored.then(() => look(app.shell.currentWidget ?? notebooks.currentWidget));
  look(notebooks.currentWidget);
}

/** A console carries its session itself, a notebook in its document's context. */
function sessionContextOf(widget: Widget | null | undefined): ISessionContext | null {
  const holder = widget as
    | { sessionContext?: ISessionContext; context?: { sessionContext?: ISessionContext } }
    | null
    | undefined;
  return holder?.sessionContext ?? holder?.context?.sessionContext ?? null;
}
