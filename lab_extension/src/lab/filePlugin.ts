// Trace files (.flb) open by double-click.

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ABCWidgetFactory, DocumentWidget } from '@jupyterlab/docregistry';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { PanelLayout, Widget } from '@lumino/widgets';

import { Session } from '../trace/session';
import { TraceError } from '../trace/trace';
import { h } from '../views/dom';
import { AppWidget } from './appWidget';
import { torchIcon } from './icon';

const FILE_TYPE = 'flambeau-trace';
const FACTORY = 'Flambeau Trace';

/** Shows what the file holds, and again whenever it changes on disk. */
class TraceContent extends Widget {
  private readonly stack = new PanelLayout();

  constructor(private readonly context: DocumentRegistry.Context) {
    super();
    this.addClass('fb-trace-file');
    this.layout = this.stack;
    void context.ready.then(() => {
      if (this.isDisposed) return;
      context.model.contentChanged.connect(this.read, this);
      this.read();
    });
  }

  override dispose(): void {
    if (this.isDisposed) return;
    this.context.model?.contentChanged.disconnect(this.read, this);
    super.dispose();
  }

  private read(): void {
    let shown: Widget;
    try {
      const session = new Session();
      session.trace.apply(fromBase64(this.context.model.toString()));
      shown = new AppWidget(session);
    } catch (error) {
      shown = new BrokenFile(this.context.localPath, error);
    }
    for (const old of [...this.stack.widgets]) old.dispose();
    this.stack.addWidget(shown);
  }
}

class BrokenFile extends Widget {
  constructor(path: string, error: unknown) {
    super();
    this.addClass('fb-root');
    this.addClass('fb-broken-file');
    const why = error instanceof TraceError ? error.message : 'It could not be read.';
    const title = h('strong', {}, `${path.split('/').pop()} cannot be shown`);
    this.node.append(h('div', { class: 'fb-empty', role: 'alert' }, title, h('span', {}, why)));
  }
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replace(/\s/g, '')), character => character.charCodeAt(0));
}

class TraceFactory extends ABCWidgetFactory<DocumentWidget<TraceContent>> {
  protected createNewWidget(context: DocumentRegistry.Context): DocumentWidget<TraceContent> {
    const widget = new DocumentWidget({ content: new TraceContent(context), context });
    widget.title.icon = torchIcon;
    return widget;
  }
}

export const filePlugin: JupyterFrontEndPlugin<void> = {
  id: 'flambeau:files',
  description: 'Opens recordings saved as .flb files.',
  autoStart: true,
  activate: (app: JupyterFrontEnd) => {
    app.docRegistry.addFileType({
      name: FILE_TYPE,
      displayName: 'Flambeau Trace',
      extensions: ['.flb'],
      mimeTypes: ['application/octet-stream'],
      fileFormat: 'base64',
      contentType: 'file',
      icon: torchIcon
    });
    app.docRegistry.addWidgetFactory(
      new TraceFactory({
        name: FACTORY,
        modelName: 'base64',
        fileTypes: [FILE_TYPE],
        defaultFor: [FILE_TYPE],
        readOnly: true
      })
    );
  }
};
