/** What actors did that can be seen from outside, by the actor's own id: order holds for each of them. */
export interface Recording {
  readonly actions: Map<string, unknown[]>
  readonly emitted: Map<string, unknown[]>
}

let current: Recording = newRecording()

export function newRecording(): Recording {
  return { actions: new Map(), emitted: new Map() }
}

/** Custom actions report to this one from now on. */
export function record(recording: Recording): void {
  current = recording
}

/** Called by the machines' custom actions. */
export function note(actor: string, what: unknown): void {
  push(current.actions, actor, what)
}

export function push(lists: Map<string, unknown[]>, actor: string, what: unknown): void {
  const list = lists.get(actor)
  if (list) list.push(what)
  else lists.set(actor, [what])
}
