import type { Effect } from './events.ts'
import {
  CERTIFIED_AHEAD,
  emptyView,
  type Final,
  type Mark,
  type State,
  VIEWS_KEPT,
  type ViewState,
  withTally
} from './state.ts'
import type { VoteKind } from './statement.ts'
import type { Tally } from './tally.ts'
import { viewAt } from './views.ts'

/** Most votes ask for nothing. */
const NOTHING: readonly Effect[] = []

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * One step in the making: a copy of the state that rules may write to, and the effects so far. What
 * was given to `step` is never touched: the list of views, and each view in it, is copied when it is
 * first written to (about 100 ns at 16 members), everything else is shared.
 */
export class Draft {
  readonly state: Writable<State>
  #effects: Effect[] | null = null
  /** A quorum spoke in this step, or a leader gave up: what rests on it has to be done. */
  decided = false
  /** Time of the event at hand; some events carry none and then move nothing that needs it. */
  nowMs: number
  wallMs: number
  /** What of it `state` still shares must be copied before it is written to. */
  readonly #given: State

  constructor(state: State, nowMs: number, wallMs: number) {
    this.#given = state
    this.state = { ...state }
    this.nowMs = nowMs
    this.wallMs = wallMs
  }

  emit(effect: Effect): void {
    this.#effects ??= []
    this.#effects.push(effect)
  }

  get effects(): readonly Effect[] {
    return this.#effects ?? NOTHING
  }

  view(view: number): ViewState | undefined {
    return viewAt(this.state, view)
  }

  /** Views above the last final one, or above `floor` if that is higher; highest first. */
  viewsAbove(floor: number): readonly ViewState[] {
    const { final, views } = this.state
    const found: ViewState[] = []
    for (let i = views.length - 1; i >= 0 && final.view + 1 + i > floor; i--) {
      const view = views[i]
      if (view !== undefined) found.push(view)
    }
    return found
  }

  /** Writes to a view, which comes into being when it was not there. Outside the window nothing happens. */
  edit(view: number, change: Partial<ViewState>): void {
    this.put({ ...this.at(view), ...change })
  }

  /** A view to make the next one of, for `put`: to spread a known shape costs a tenth of what `edit` does. */
  at(view: number): ViewState {
    return this.view(view) ?? emptyView(view)
  }

  setTally(view: number, kind: VoteKind, tally: Tally): void {
    const before = this.at(view)
    this.put({ ...before, tallies: withTally(before, kind, tally) })
  }

  put(view: ViewState): void {
    const { state } = this
    if (view.view < state.base || view.view > state.view + CERTIFIED_AHEAD) return
    const isPast = view.view <= state.final.view
    const list = isPast ? this.#writablePast() : this.#writableViews()
    const at = view.view - (isPast ? state.base : state.final.view + 1)
    while (list.length <= at) list.push(undefined)
    list[at] = view
  }

  #writableViews(): (ViewState | undefined)[] {
    const { state } = this
    if (state.views === this.#given.views) state.views = state.views.slice()
    return state.views as (ViewState | undefined)[]
  }

  #writablePast(): (ViewState | undefined)[] {
    const { state } = this
    if (state.past === this.#given.past) state.past = state.past.slice()
    return state.past as (ViewState | undefined)[]
  }

  mark(member: number, change: Partial<Mark>): void {
    const before = this.state.marks[member]
    if (before !== undefined) this.#setMark(member, { ...before, ...change })
  }

  /** What every frame of votes says of its sender. */
  heard(member: number, view: number, final: number): void {
    const before = this.state.marks[member]
    if (before !== undefined) this.#setMark(member, { ...before, view, final, heardMs: this.nowMs })
  }

  #setMark(member: number, mark: Mark): void {
    const { state } = this
    if (state.marks === this.#given.marks) state.marks = state.marks.slice()
    const marks = state.marks as Mark[]
    marks[member] = mark
  }

  /** What became final joins the past, whose oldest views are forgotten: who is that far behind is served from elsewhere. */
  moveFloor(final: Final): void {
    const { state } = this
    const base = Math.max(state.base, final.view - VIEWS_KEPT)
    const kept = state.past.concat(state.views)
    const past = kept.slice(base - state.base, final.view + 1 - state.base)
    const views = kept.slice(final.view + 1 - state.base)
    // A floor that was fetched may lie above all that was ever heard.
    while (past.length < final.view + 1 - base) past.push(undefined)
    Object.assign(state, { final, base, past, views } satisfies Partial<State>)
  }
}
