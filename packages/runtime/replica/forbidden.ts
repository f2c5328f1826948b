import type { AnyStateMachine } from 'xstate'

/** The parts of XState's state node that say what it does. */
interface Node {
  readonly id: string
  readonly invoke: readonly unknown[]
  readonly entry: readonly unknown[]
  readonly exit: readonly unknown[]
  readonly transitions: ReadonlyMap<string, readonly Transition[]>
  readonly always?: readonly Transition[] | undefined
  readonly states: Readonly<Record<string, Node>>
}

interface Transition {
  readonly actions: readonly unknown[]
}

/**
 * What acts on the world beside the machine's own state and messages: every member would do it, each for itself.
 * Actions that are only found when they run (in `enqueueActions`, or a spawn in `assign`) are outcomes of their step.
 */
export function forbiddenIn(machine: AnyStateMachine): readonly string[] {
  const { actions } = machine.implementations as { readonly actions: Readonly<Record<string, unknown>> }
  return nodesOf(machine.root as unknown as Node).flatMap((node) => [
    ...node.invoke.map(() => `${node.id}: invoke`),
    ...actionsOf(node).flatMap((action) => {
      const fault = faultOf(action, actions)
      return fault === null ? [] : [`${node.id}: ${fault}`]
    })
  ])
}

function nodesOf(node: Node): readonly Node[] {
  return [node, ...Object.values(node.states).flatMap(nodesOf)]
}

function actionsOf({ entry, exit, transitions, always }: Node): readonly unknown[] {
  const all = [...[...transitions.values()].flat(), ...(always ?? [])]
  return [...entry, ...exit, ...all.flatMap((transition) => transition.actions)]
}

/** Built-in ones are functions that XState resolves; those of others it runs. */
function faultOf(action: unknown, known: Readonly<Record<string, unknown>>): string | null {
  const name = typeof action === 'object' && action !== null ? Reflect.get(action, 'type') : action
  const found = typeof name === 'string' ? known[name] : action
  if (typeof found === 'string' || (typeof found === 'object' && found !== null)) return faultOf(found, {})
  if (typeof found !== 'function') return `the action ${String(name)} without implementation`
  if (!('resolve' in found)) return `the custom action ${String(name ?? found.name)}`
  const type: unknown = Reflect.get(found, 'type')
  return type === 'xstate.spawnChild' || type === 'xstate.stopChild' ? String(type) : null
}
