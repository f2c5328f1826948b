import type { State, ViewState } from './state.ts'

/** A view that is kept, final or not. */
export function viewAt({ final, base, past, views }: State, view: number): ViewState | undefined {
  return view > final.view ? views[view - final.view - 1] : past[view - base]
}
