// What a view's output shows: the live widget, and its still picture wherever there is none.
//
// In a notebook whose kernel is gone JupyterLab writes an error where a widget was. The outputs of
// views are of a type of their own, so the renderer of widgets can be dressed up for them alone.

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Panel } from '@lumino/widgets';

type Registry = NotebookPanel['content']['rendermime'];
type Factory = Parameters<Registry['addFactory']>[0];
type Renderer = ReturnType<Factory['createRenderer']>;
type Model = Parameters<Renderer['renderModel']>[0];

export const VIEW_TYPE = 'application/vnd.flambeau.view+json';
const WIDGET_TYPE = 'application/vnd.jupyter.widget-view+json';
const PICTURE_TYPE = 'image/svg+xml';
/** Of the types in an output the one with the lowest rank is shown; widgets have -10. */
const RANK = -20;

function viewFactory(registry: Registry): Factory {
  return {
    safe: true, // a picture runs no scripts, and the widget waits until the notebook is trusted
    mimeTypes: [VIEW_TYPE],
    createRenderer: options => {
      const widgets = registry.getFactory(WIDGET_TYPE);
      const made = widgets?.createRenderer({ ...options, mimeType: WIDGET_TYPE });
      return withPicture(made ?? new NoWidgets());
    }
  };
}

/** For a JupyterLab without Jupyter widgets. */
class NoWidgets extends Panel implements Renderer {
  renderModel(): Promise<void> {
    return Promise.resolve();
  }
}

/** Lets a renderer of widgets show the picture for as long as it has no widget. It has to stay
 *  what it is, for JupyterLab looks for it by its class when the kernel is there. */
function withPicture(renderer: Renderer): Renderer {
  const { node } = renderer;
  const picture = new Image();
  picture.className = 'fb-still';
  const isLive = () => renderer instanceof Panel && renderer.widgets.length > 0;
  const fill = () => {
    if (!isLive() && picture.src && node.firstChild !== picture) node.replaceChildren(picture);
  };
  const observer = new MutationObserver(fill);
  observer.observe(node, { childList: true });
  renderer.disposed.connect(() => observer.disconnect());

  const render = renderer.renderModel.bind(renderer);
  let asked = '';
  renderer.renderModel = async (model: Model) => {
    showIn(picture, model);
    fill();
    const id = idOf(model);
    if (!model.trusted || !id || id === asked) return; // a live widget needs no second view
    asked = id;
    await render(model);
    if (!isLive()) asked = ''; // the kernel may come later
  };
  return renderer;
}

function showIn(picture: HTMLImageElement, { data }: Model): void {
  const svg = data[PICTURE_TYPE];
  const text = data['text/plain'];
  picture.alt = typeof text === 'string' ? text : '';
  if (typeof svg === 'string') {
    picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  }
}

function idOf({ data }: Model): string {
  const view = data[WIDGET_TYPE] as { model_id?: unknown } | undefined;
  return typeof view?.model_id === 'string' ? view.model_id : '';
}

export const stillPlugin: JupyterFrontEndPlugin<void> = {
  id: 'flambeau:still-pictures',
  description: 'Shows the still picture of a view whose widget is not there.',
  autoStart: true,
  requires: [INotebookTracker],
  activate: (_app, notebooks: INotebookTracker) => {
    const prepare = ({ content: { rendermime } }: NotebookPanel) =>
      rendermime.addFactory(viewFactory(rendermime), RANK);
    notebooks.forEach(prepare);
    notebooks.widgetAdded.connect((_sender, panel) => prepare(panel));
  }
};
