// The app around the views: tabs, time cursor, status. Widget, page and JupyterLab panel use it.

import '../views/inspector.css';
import '../views/inspector-values.css';
import '../views/graph/graph.css';
import '../views/graph/overlays.css';
import './app.css';
import type { Session } from '../trace/session';
import { GradientView } from '../views/charts/gradients';
import { MemoryView } from '../views/charts/memory';
import { h } from '../views/dom';
import { GraphView } from '../views/graph/graph-view';
import type { View } from '../views/view';
import { Notice } from './notice';
import { StatusLine } from './status';
import { TabBar } from './tabs';
import { TimeBar } from './time-bar';

export type Kind = 'graph' | 'gradients' | 'memory' | 'live';

export interface MountOptions {
  /** Modules to open in the graph, by key; null: as the view thinks best. */
  opened?: string[] | null;
  onOpened?: (keys: string[]) => void;
}

export interface Mounted {
  /** Opens exactly these modules in the graph. */
  setOpened(keys: string[]): void;
  dispose(): void;
}

const TITLES = { graph: 'Graph', gradients: 'Gradients', memory: 'Memory' } as const;

type Name = keyof typeof TITLES;

/** Draws a session in an element. `live` is all views in tabs, else the one named. */
export function mount(
  el: HTMLElement,
  session: Session,
  kind: Kind,
  options: MountOptions = {}
): Mounted {
  return new App(el, session, kind, options);
}

class App implements Mounted {
  private readonly root = h('div', { class: 'fb-root fb-app' });
  private readonly content = h('div', { class: 'fb-content' });
  private readonly views = new Map<Name, View>();
  private readonly notice: Notice;
  private readonly timeBar: TimeBar;
  private readonly status: StatusLine;
  private readonly tabs: TabBar | null;
  private readonly unsubscribe: () => void;
  private shown: Name;
  private opened: string[] | null;
  private asked = 0;

  constructor(
    parent: HTMLElement,
    private readonly session: Session,
    kind: Kind,
    private readonly options: MountOptions
  ) {
    this.opened = options.opened ?? null;
    this.shown = kind === 'live' ? 'graph' : kind;
    this.notice = new Notice(session);
    this.timeBar = new TimeBar(session);
    this.status = new StatusLine(session);
    this.tabs = kind === 'live' ? new TabBar(TITLES, name => this.show(name as Name)) : null;
    const footer = h('footer', { class: 'fb-footer' }, this.timeBar.element, this.status.element);
    if (this.tabs) {
      this.content.setAttribute('role', 'tabpanel');
    }
    const head = this.tabs ? [this.tabs.element] : [];
    this.root.append(...head, this.notice.element, this.content, footer);
    parent.append(this.root);
    this.unsubscribe = session.subscribe(() => this.later());
    this.show(this.shown);
  }

  setOpened(keys: string[]): void {
    this.opened = keys;
    const graph = this.views.get('graph');
    if (graph instanceof GraphView) {
      graph.setOpened(keys);
    }
  }

  dispose(): void {
    this.unsubscribe();
    cancelAnimationFrame(this.asked);
    this.views.forEach(view => view.dispose());
    this.root.remove();
  }

  private show(name: Name): void {
    this.shown = name;
    this.tabs?.show(name);
    const view = this.views.get(name) ?? this.make(name);
    this.content.replaceChildren(view.element);
    this.content.setAttribute('aria-label', TITLES[name]);
    this.update();
  }

  private make(name: Name): View {
    const view = this.create(name);
    this.views.set(name, view);
    return view;
  }

  private create(name: Name): View {
    switch (name) {
      case 'gradients':
        return new GradientView(this.session);
      case 'memory':
        return new MemoryView(this.session);
      case 'graph': {
        const onOpened = (keys: string[]) => this.options.onOpened?.(keys);
        const view = new GraphView(this.session, { onOpened });
        if (this.opened) {
          view.setOpened(this.opened);
        }
        return view;
      }
    }
  }

  /** Once a frame, however often the session changes. */
  private later(): void {
    if (!this.asked) {
      this.asked = requestAnimationFrame(() => {
        this.asked = 0;
        this.update();
      });
    }
  }

  private update(): void {
    this.tabs?.setTitle(this.session.trace.about['title']);
    this.notice.update(this.shown !== 'gradients'); // those have all iterations
    this.timeBar.update();
    this.status.update();
    try {
      this.views.get(this.shown)?.update();
    } catch (error) {
      // one strange trace must not take the whole page with it
      console.error(error);
      this.status.say('This part of the trace could not be drawn.');
    }
  }
}
