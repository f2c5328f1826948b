import type { Effect } from './events.ts'
import { CERTIFIED_AHEAD, emptyView, type Mark, type State, VIEWS_KEPT, type ViewState } from './state.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * One step in the making: a copy of the state that rules may write to, and the effects so far. What
 * was given to `step` is never touched: the list of views, and each view in it, is copied when it is
 * first written to (about 100 ns at 16 members), everything else is shared.
 */
export class Draft {
  readonly state: Writable<State>
  readonly effects: Effect[] = []
  /** Time of the event at hand; some events carry none and then move nothing that needs it. */
  nowMs: number
  wallMs: number
  #views: (ViewState | undefined)[] | null = null
  #marks: Mark[] | null = null

  constructor(state: State, nowMs: number, wallMs: number) {
    this.state = { ...state }
    this.nowMs = nowMs
    this.wallMs = wallMs
  }

  emit(effect: Effect): void {
    this.effects.push(effect)
  }

  view(view: number): ViewState | undefined {
    return this.state.views[view - this.state.base]
  }

  /** Views above the floor that the list spans, highest first. */
  *viewsAbove(floor: number): Iterable<ViewState> {
    const { base, views } = this.state
    for (let i = views.length - 1; i >= 0 && base + i > floor; i--) {
      const view = views[i]
      if (view !== undefined) yield view
    }
  }

  /** Writes to a view, which comes into being when it was not there. Outside the window nothing happens. */
  edit(view: number, change: Partial<ViewState>): void {
    const { base } = this.state
    if (view < base || view > this.state.view + CERTIFIED_AHEAD) return
    this.#views ??= this.state.views.slice()
    while (this.#views.length <= view - base) this.#views.push(undefined)
    this.#views[view - base] = { ...(this.#views[view - base] ?? emptyView(view)), ...change }
    this.state.views = this.#views
  }

  mark(member: number, change: Partial<Mark>): void {
    const before = this.state.marks[member]
    if (before === undefined) return
    this.#marks ??= this.state.marks.slice()
    this.#marks[member] = { ...before, ...change }
    this.state.marks = this.#marks
  }

  /** Forgets views that even members far behind are served from elsewhere. */
  prune(): void {
    const base = Math.max(this.state.base, this.state.final.view - VIEWS_KEPT)
    if (base === this.state.base) return
    this.#views = this.state.views.slice(base - this.state.base)
    this.state.views = this.#views
    this.state.base = base
  }
}
