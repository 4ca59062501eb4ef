// A subshell of the kernel: it answers messages while the kernel trains in a cell.

import { CommsOverSubshells, KernelMessage } from '@jupyterlab/services';
import type { Kernel } from '@jupyterlab/services';

/** JupyterLab holds messages back for 3 seconds while it waits for a busy kernel. */
const PATIENCE = 10000;

/** Asks for a subshell by itself: JupyterLab's comms get theirs only after the kernel has told
 *  its features, and after a page reload a training kernel tells nothing until its cell ends.
 *  Resolves to null where there are no subshells (ipykernel before 7, other kernels). */
export async function createSubshell(kernel: Kernel.IKernelConnection): Promise<string | null> {
  if (kernel.commsOverSubshells === CommsOverSubshells.Disabled) return null;
  const message = KernelMessage.createMessage<KernelMessage.ICreateSubshellRequestMsg>({
    channel: 'control',
    msgType: 'create_subshell_request',
    session: kernel.clientId,
    username: kernel.username,
    content: {}
  });
  const future = kernel.sendControlMessage(message, true, true);
  const late = new Promise<null>(resolve => setTimeout(() => resolve(null), PATIENCE));
  const never = new Promise<null>(resolve => {
    const told = () => kernel.supportsSubshells || resolve(null);
    kernel.info.then(told, () => resolve(null));
  });
  const reply = await Promise.race([future.done.catch(() => null), never, late]);
  if (reply === null) future.dispose();
  return subshellId(reply);
}

export function deleteSubshell(kernel: Kernel.IKernelConnection, id: string): void {
  const message = KernelMessage.createMessage<KernelMessage.IDeleteSubshellRequestMsg>({
    channel: 'control',
    msgType: 'delete_subshell_request',
    session: kernel.clientId,
    username: kernel.username,
    content: { subshell_id: id }
  });
  kernel.sendControlMessage(message, false, true);
}

function subshellId(reply: KernelMessage.IMessage | null): string | null {
  const id = (reply?.content as Record<string, unknown> | undefined)?.['subshell_id'];
  return typeof id === 'string' ? id : null;
}
