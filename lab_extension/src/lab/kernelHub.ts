// One link for each kernel, however many notebooks and consoles use it.

import type { ISessionContext } from '@jupyterlab/apputils';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { KernelLink } from './kernelLink';

/** Pictures of this many kernels are kept, so that coming back to a notebook restores its own. */
const KEPT = 8;

export class KernelHub {
  private readonly links = new Map<string, KernelLink>();
  private readonly signal = new Signal<this, void>(this);
  private context: ISessionContext | null = null;
  private shown: KernelLink | null = null;

  /** The link of the kernel that is followed; null while there is none. */
  get current(): KernelLink | null {
    return this.shown;
  }

  /** Emitted when another kernel is followed, and after any change of the one that is. */
  get changed(): ISignal<this, void> {
    return this.signal;
  }

  /** Follows the kernel of a notebook or console, whichever it has from now on. */
  follow(context: ISessionContext | null): void {
    if (context === this.context) return;
    this.context?.kernelChanged.disconnect(this.update, this);
    this.context?.disposed.disconnect(this.onDisposed, this);
    this.context = context;
    context?.kernelChanged.connect(this.update, this);
    context?.disposed.connect(this.onDisposed, this);
    this.update();
  }

  private onDisposed(): void {
    this.follow(null);
  }

  private update(): void {
    const kernel = this.context?.session?.kernel;
    if (kernel && !kernel.isDisposed) {
      const link = this.link(kernel.id);
      link.attach(kernel);
      this.show(link);
    } else if (!this.context) {
      this.show(null);
    } else {
      this.signal.emit(); // its kernel is gone: the last picture stays
    }
  }

  private show(link: KernelLink | null): void {
    if (link !== this.shown) {
      this.shown?.changed.disconnect(this.relay, this);
      link?.changed.connect(this.relay, this);
      this.shown = link;
    }
    this.signal.emit();
  }

  private relay(): void {
    this.signal.emit();
  }

  private link(id: string): KernelLink {
    const link = this.links.get(id) ?? new KernelLink(id);
    this.links.delete(id);
    this.links.set(id, link); // the last one used is the last to go
    for (const [old, other] of this.links) {
      if (this.links.size <= KEPT) break;
      if (other.isLive || other === this.shown) continue;
      this.links.delete(old);
      other.dispose();
    }
    return link;
  }
}
