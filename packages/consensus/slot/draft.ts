import type { SlotEffect } from './events.ts'
import { type SlotState, type SlotView, viewAt } from './state.ts'

/** One step under way: the state as it will be, and what came of it. The state it began with stays as it was. */
export class SlotDraft {
  state: SlotState
  readonly effects: SlotEffect[] = []
  readonly nowMs: number

  constructor(state: SlotState, nowMs: number) {
    this.state = state
    this.nowMs = nowMs
  }

  emit(effect: SlotEffect): void {
    this.effects.push(effect)
  }

  set(change: Partial<SlotState>): void {
    this.state = { ...this.state, ...change }
  }

  view(view: number): SlotView {
    return viewAt(this.state.views, view)
  }

  edit(view: number, change: Partial<SlotView>): void {
    const { views } = this.state
    const length = Math.max(views.length, view + 1)
    this.set({
      views: Array.from({ length }, (_, i) => (i === view ? { ...this.view(i), ...change } : this.view(i)))
    })
  }
}
