// What the tests ask of JupyterLab's application object, as functions of one page.
window.flambeauTests = {
  notebook(path) {
    return [...jupyterapp.shell.widgets('main')].find(w => w.context?.path === path);
  },

  session(path) {
    return this.notebook(path)?.context.sessionContext;
  },

  /** The status bar says "idle" before the kernel can be reached; this does not. */
  ready(path) {
    const { content, context } = this.notebook(path) ?? {};
    const kernel = context?.sessionContext.session?.kernel;
    const reached = kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
    return !!reached && context.sessionContext.isReady && content.widgets.length > 0;
  },

  cell(path, index) {
    return this.notebook(path).content.widgets.at(index);
  },

  /** A new cell at the end; an empty notebook has an empty one already. */
  add(path, source) {
    const model = this.notebook(path).content.model.sharedModel;
    const last = model.cells.at(-1);
    if (last?.cell_type === 'code' && last.source === '') last.setSource(source);
    else model.addCell({ cell_type: 'code', source, metadata: { trusted: true } });
    return model.cells.length - 1;
  },

  /** Begins to run a cell; `finished` tells when that has ended. */
  async run(path, index) {
    const { id, content } = this.notebook(path);
    jupyterapp.shell.activateById(id);
    content.activeCellIndex = index;
    content.deselectAll();
    const number = (this.runs ??= []).push(false) - 1;
    const end = () => (this.runs[number] = true);
    jupyterapp.commands.execute('notebook:run-cell').finally(end);
    return number;
  },

  finished(number) {
    return this.runs[number];
  },

  sources(path) {
    const { cells } = this.notebook(path).content.model.sharedModel;
    return cells.map(cell => [cell.cell_type, cell.source]);
  },

  outputs(path, index) {
    return this.cell(path, index).model.outputs.toJSON();
  },

  /** Sends any message of a comm, as a page gone mad might. */
  send(path, comm_id, data, buffers) {
    const kernel = this.session(path).session.kernel;
    const header = {
      msg_id: crypto.randomUUID(),
      msg_type: 'comm_msg',
      session: kernel.clientId,
      username: '',
      version: '5.3',
      date: new Date().toISOString()
    };
    const content = { comm_id, data };
    const bytes = buffers.map(numbers => new Uint8Array(numbers).buffer);
    const message = { header, parent_header: {}, metadata: {}, content, channel: 'shell' };
    kernel.sendShellMessage({ ...message, buffers: bytes }, false, true);
  }
};
