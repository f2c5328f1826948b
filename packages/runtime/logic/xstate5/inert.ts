import type { AnyStateMachine } from 'xstate'

/** An `always` that never ends, or raises itself, fails the step instead of the process. */
const ITERATIONS_MAX = 1_000

/** In the place of every child's logic: keeps the input for the effect, and runs nothing. */
const INERT = {
  transition: (snapshot: unknown) => snapshot,
  getInitialSnapshot: (_: unknown, input: unknown) => ({
    status: 'active',
    output: undefined,
    error: undefined,
    input
  }),
  getPersistedSnapshot: (snapshot: unknown) => snapshot,
  restoreSnapshot: (snapshot: unknown) => snapshot
}

interface InvokeConfig {
  readonly src: unknown
}

/** The parts of XState's state node that are read or replaced here. */
interface Node {
  config: { readonly invoke?: InvokeConfig | readonly InvokeConfig[] }
  readonly states: Readonly<Record<string, Node>>
}

/**
 * The same machine, whose children do nothing: XState makes a snapshot of a child's logic as soon as it resolves a
 * spawn, in the middle of a step that may yet fail.
 */
export function inertCopy(machine: AnyStateMachine): AnyStateMachine {
  const names = Object.keys(machine.implementations.actors)
  const actors = Object.fromEntries(names.map((name) => [name, INERT]))
  const copy = machine.provide({ actors } as never)
  copy.options = {
    ...copy.options,
    maxIterations: Math.min(ITERATIONS_MAX, copy.options.maxIterations ?? ITERATIONS_MAX)
  }
  muteInvokes(copy.root as unknown as Node)
  return copy
}

/** Logic given inline to `invoke` is in no list of actors: XState looks it up in the node's config. */
function muteInvokes(node: Node): void {
  const { invoke } = node.config
  if (invoke !== undefined) node.config = { ...node.config, invoke: invokesOf(node).map(mute) }
  for (const child of Object.values(node.states)) muteInvokes(child)
}

function mute(invoke: InvokeConfig): InvokeConfig {
  return typeof invoke.src === 'string' ? invoke : { ...invoke, src: INERT }
}

function invokesOf(node: Node): readonly InvokeConfig[] {
  const { invoke = [] } = node.config
  return Array.isArray(invoke) ? (invoke as readonly InvokeConfig[]) : [invoke as InvokeConfig]
}

/** What XState calls logic that was given inline to `invoke`. */
const INLINE = /^xstate\.invoke\.(\d+)\.(.*)$/s

/** The logic that a spawn names, out of the machine as it was written. Undefined for a name it does not know. */
export function actorOf(machine: AnyStateMachine, src: string): unknown {
  const { actors } = machine.implementations as { readonly actors: Readonly<Record<string, unknown>> }
  const inline = INLINE.exec(src)
  if (inline === null) return Object.hasOwn(actors, src) ? actors[src] : undefined
  const node = machine.getStateNodeById(inline[2] ?? '') as unknown as Node
  return invokesOf(node)[Number(inline[1])]?.src
}
