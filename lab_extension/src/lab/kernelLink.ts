// What is known of one kernel: its session, kept through restarts, reloads and lost networks.

import type { Kernel } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { connect } from '../trace/connection';
import { Session } from '../trace/session';
import { ENDED, openLive } from './commConnection';
import type { CommConnection } from './commConnection';

/** The kernel opens a comm of this target when `flambeau.live()` is called. */
export const HELLO_TARGET = 'flambeau.hello';

const BUSY = 'The kernel is busy. The picture comes as soon as it answers.';
const LOST = 'The connection to the kernel is lost; trying again.';
const LEFT = 'The kernel is no longer connected: this is its last picture.';
const GONE: Partial<Record<Kernel.Status, string>> = {
  restarting: 'The kernel was restarted: this is the last picture before it.',
  autorestarting: 'The kernel died and was restarted: this is the last picture before it.',
  terminating: 'The kernel was shut down: this is its last picture.',
  dead: 'The kernel died: this is its last picture.'
};

const HELLO_LASTS = 2000; // milliseconds

export class KernelLink implements IDisposable {
  readonly session = new Session();
  private kernel: Kernel.IKernelConnection | null = null;
  private connection: CommConnection | null = null;
  /** The attempt to reach the recorder that is under way. */
  private attempt: object | null = null;
  /** The network failed while a comm was open. */
  private lost = false;
  /** Why the kernel that was recorded is no more; '' while it lives. */
  private why = '';
  private disconnect: () => void = () => undefined;
  private readonly signal = new Signal<this, void>(this);
  private readonly unsubscribe: () => void;
  private disposed = false;

  constructor(readonly id: string) {
    this.unsubscribe = this.session.subscribe(() => {
      if (this.isLive) this.why = '';
      this.signal.emit();
    });
  }

  /** Emitted after any change of the session or of the way to the kernel. */
  get changed(): ISignal<this, void> {
    return this.signal;
  }

  /** Whether there is a picture to show. */
  get hasPicture(): boolean {
    return this.session.trace.version > 0 || this.session.status.connected;
  }

  get isLive(): boolean {
    return this.session.status.connected;
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  /** Uses this connection to the kernel, unless the one in use still works. */
  attach(kernel: Kernel.IKernelConnection): void {
    kernel.registerCommTarget(HELLO_TARGET, comm => {
      setTimeout(() => hangUpLater(comm, kernel), HELLO_LASTS);
      if (kernel === this.kernel) this.open();
    });
    if (this.kernel && !this.kernel.isDisposed) return;
    this.kernel = kernel;
    kernel.statusChanged.connect(this.onStatus, this);
    kernel.connectionStatusChanged.connect(this.onConnection, this);
    kernel.disposed.connect(this.onKernelDisposed, this);
    if (kernel.connectionStatus === 'connected') this.open();
  }

  /** Runs `flambeau.live()` out of sight; rejects with what the kernel said if that fails. */
  async start(): Promise<void> {
    if (!this.kernel || this.kernel.isDisposed) throw new Error('There is no running kernel.');
    const code = 'import flambeau as _f; _f.live(display=False)';
    const content = { code, silent: true, store_history: false, allow_stdin: false };
    const reply = await this.kernel.requestExecute(content).done;
    if (reply.content.status === 'error') {
      throw new Error(`${reply.content.ename}: ${reply.content.evalue}`);
    }
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.release();
    this.hangUp();
    this.unsubscribe();
    Signal.clearData(this);
  }

  /** Tries to reach the recorder. The kernel closes the comm when nothing records yet. */
  private open(): void {
    const { kernel } = this;
    if (!kernel || kernel.isDisposed) return;
    this.hangUp();
    const attempt = (this.attempt = {});
    openLive(kernel)
      .then(connection => (attempt === this.attempt ? this.use(connection) : connection.close()))
      .catch(reason => console.warn('Flambeau could not reach the kernel', reason));
  }

  private use(connection: CommConnection): void {
    this.attempt = null;
    this.connection = connection;
    if (this.hasPicture) connection.ending = this.why || ENDED;
    this.disconnect = connect(this.session, connection, { patience: 4000, silence: BUSY });
  }

  /** Ends what there is and what is being opened. */
  private hangUp(kernelGone = false): void {
    this.attempt = null;
    this.lost = false;
    this.disconnect();
    this.disconnect = () => undefined;
    this.connection?.close(kernelGone);
    this.connection = null;
  }

  private onStatus(_sender: unknown, status: Kernel.Status): void {
    const why = GONE[status];
    if (why === undefined) return;
    this.hangUp(true);
    this.keepPicture(why);
  }

  private onConnection(_sender: unknown, status: Kernel.ConnectionStatus): void {
    if (status === 'connected') {
      const idle = !this.attempt && !this.connection?.isOpen;
      if (idle || this.lost) this.open();
      return;
    }
    if (!this.connection?.isOpen) return;
    const wasLive = this.isLive;
    this.lost = true; // the kernel still has the comm: it is told when it can be reached again
    this.disconnect();
    if (wasLive) this.session.setStatus({ message: LOST });
  }

  private onKernelDisposed(): void {
    this.release();
    this.hangUp(true);
    this.keepPicture(this.why || LEFT);
  }

  private keepPicture(why: string): void {
    if (!this.hasPicture) return;
    this.why = why;
    this.session.setStatus({ message: why });
  }

  private release(): void {
    const { kernel } = this;
    this.kernel = null;
    kernel?.statusChanged.disconnect(this.onStatus, this);
    kernel?.connectionStatusChanged.disconnect(this.onConnection, this);
    kernel?.disposed.disconnect(this.onKernelDisposed, this);
  }
}

/** JupyterLab makes a subshell for each comm it is offered, and forgets those of comms that are
 *  closed before it is there. */
function hangUpLater(comm: Kernel.IComm, kernel: Kernel.IKernelConnection): void {
  if (!comm.isDisposed && !kernel.isDisposed && kernel.status !== 'dead') comm.close();
}
