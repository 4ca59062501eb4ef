// A comm to the kernel's recorder, as the Connection that a session is fed from.

import { CommsOverSubshells, KernelMessage } from '@jupyterlab/services';
import type { Kernel } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';

import type { Connection } from '../trace/connection';
import { createSubshell, deleteSubshell } from './subshell';

export const LIVE_TARGET = 'flambeau.live';
export const ENDED = 'The recording has ended: this is its last picture.';
const PROTOCOL = 1;

/** Opens a comm in a subshell of its own. The kernel closes it at once when nothing records. */
export async function openLive(kernel: Kernel.IKernelConnection): Promise<CommConnection> {
  const subshell = await createSubshell(kernel);
  return new CommConnection(kernel, subshell);
}

type Receive = (message: unknown, buffers: DataView[]) => void;

export class CommConnection implements Connection {
  /** What the user is told when the kernel closes the comm; '' says nothing. */
  ending = '';
  private readonly comm: Kernel.IComm;
  private receive: Receive = () => undefined;
  private closed: (why: string) => void = () => undefined;
  private open = true;

  constructor(
    private readonly kernel: Kernel.IKernelConnection,
    private readonly subshell: string | null
  ) {
    this.comm = kernel.createComm(LIVE_TARGET);
    // The messages below name the subshell themselves: one is enough.
    if ('commsOverSubshells' in this.comm) {
      this.comm.commsOverSubshells = CommsOverSubshells.Disabled;
    }
    this.comm.onMsg = message => this.received(message);
    this.comm.onClose = () => this.end(false);
    this.post('comm_open', { target_name: LIVE_TARGET, data: { protocol: PROTOCOL } });
  }

  get isOpen(): boolean {
    return this.open;
  }

  onMessage(callback: Receive): void {
    this.receive = callback;
  }

  onClose(callback: (why: string) => void): void {
    this.closed = callback;
  }

  send(message: object): void {
    if (this.open) this.post('comm_msg', { data: message as JSONObject });
  }

  /** Hangs up; a kernel that is gone needs no goodbye. */
  close(kernelGone = false): void {
    if (!this.open) return;
    if (!kernelGone) this.attempt(() => this.post('comm_close', { data: {} }));
    this.end(kernelGone);
  }

  private end(kernelGone: boolean): void {
    if (!this.open) return;
    this.open = false;
    const { subshell, kernel } = this;
    if (subshell && !kernelGone) this.attempt(() => deleteSubshell(kernel, subshell));
    this.comm.onClose = () => undefined;
    this.comm.dispose();
    this.closed(this.ending);
  }

  /** The kernel may die at any moment. */
  private attempt(goodbye: () => void): void {
    try {
      if (!this.kernel.isDisposed) goodbye();
    } catch {
      // then there is nobody to say goodbye to
    }
  }

  private received(message: KernelMessage.ICommMsgMsg): void {
    this.ending = ENDED;
    this.receive(message.content.data, (message.buffers ?? []).map(asView));
  }

  private post(msgType: 'comm_open' | 'comm_msg' | 'comm_close', content: JSONObject): void {
    const message = {
      channel: 'shell',
      msgType,
      session: this.kernel.clientId,
      username: this.kernel.username,
      subshellId: this.subshell ?? undefined,
      content: { comm_id: this.comm.commId, ...content }
    } as KernelMessage.IOptions<KernelMessage.ICommMsgMsg<'shell'>>; // all three look alike
    this.kernel.sendShellMessage(KernelMessage.createMessage(message), false, true);
  }
}

function asView(buffer: ArrayBuffer | ArrayBufferView): DataView {
  return ArrayBuffer.isView(buffer)
    ? new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new DataView(buffer);
}
