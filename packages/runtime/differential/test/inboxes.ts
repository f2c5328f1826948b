import type { AnyActorRef, InspectionEvent } from 'xstate'
import type { ActorLogic, Child, Event, Scope } from '../../logic/port.ts'

/** One thing that an actor handled. */
export interface Mail {
  /** Own id of the sender; the actor's own for its timers, `~` for whoever is outside. */
  readonly from: string
  /** The event, or how the actor ended: `stop`, `fail`. */
  readonly what: string
}

/** What each actor handled, in order, by its own id and which of that id it is. */
export class Inboxes {
  readonly of = new Map<string, Mail[]>()
  /** An actor failed after it had acted: XState has done what the failed step wanted, the kernel has not. */
  hasActed = false
  readonly #lives = new Map<string, number>()

  /** What the next actor of this id is called. */
  begin(id: string): string {
    const life = (this.#lives.get(id) ?? 0) + 1
    this.#lives.set(id, life)
    return `${id} ${life}`
  }

  add(id: string, from: string, what: string): void {
    const mails = this.of.get(id)
    if (mails) mails.push({ from, what })
    else this.of.set(id, [{ from, what }])
  }

  clear(): void {
    this.of.clear()
  }
}

const OUTSIDE = '~'
/** The only actor that has children is the root. */
export const PARENT = 'root'
/** XState does not say which event an actor failed by. */
const UNKNOWN = '?'
const DONE = / and done$/
const INIT = 'xstate.init'

/** Of what children say by themselves only the kind is told: what it holds is seen in who handles it. */
function nameOf(event: Event, status: string): string {
  const name = event.type.startsWith('xstate.') ? event.type : JSON.stringify(event)
  return status === 'done' ? `${name} and done` : name
}

/** What XState's actors handle, by their inspector. */
export function liveInboxes(inboxes: Inboxes): (event: InspectionEvent) => void {
  const senders = new WeakMap<object, Map<AnyActorRef, string>>()
  const names = new WeakMap<object, string>()
  return (inspected) => {
    const ref = inspected.actorRef as AnyActorRef
    if (inspected.type === '@xstate.event') {
      const { event, sourceRef } = inspected
      const from = (sourceRef as AnyActorRef | undefined)?.id ?? OUTSIDE
      if (event.type === INIT) names.set(ref, inboxes.begin(ref.id))
      if (sourceRef && event.type === `xstate.error.actor.${from}`)
        inboxes.add(names.get(sourceRef) ?? '', UNKNOWN, 'fail')
      if (event.type.startsWith('xstate.error.actor.')) inboxes.hasActed ||= !String(event.error).includes('boom')
      senders.set(event, (senders.get(event) ?? new Map<AnyActorRef, string>()).set(ref, from))
    }
    if (inspected.type !== '@xstate.snapshot') return
    const { event, snapshot } = inspected
    const name = names.get(ref) ?? ''
    if (event.type === 'xstate.stop') return inboxes.add(name, PARENT, 'stop')
    if (snapshot.status === 'error') return
    const from = event.type === INIT ? ref.id : (senders.get(event)?.get(ref) ?? OUTSIDE)
    inboxes.add(name, from, nameOf(event as Event, snapshot.status))
  }
}

/** Told of each actor before its first step, with its address and how it is called among the inboxes. */
export type Begins = (address: string, name: string) => void

/** A logic that tells what its actors handle, and first of each that begins. */
export function heardLogic(logic: ActorLogic, inboxes: Inboxes, begins: Begins): ActorLogic {
  const children = new Map<string, Child | undefined>()
  const names = new Map<string, string>()
  const hear = (event: Event, scope: Scope, run: () => ReturnType<ActorLogic['step']>) => {
    const name = names.get(scope.address) ?? ''
    try {
      const step = run()
      inboxes.add(name, senderOf(event, scope), nameOf(event, logic.view(step.state).status))
      return step
    } catch (error) {
      if (scope.parent !== null) inboxes.add(name, UNKNOWN, 'fail')
      throw error
    }
  }
  return {
    id: logic.id,
    init: (input, scope) => {
      const name = inboxes.begin(idOf(scope.address))
      names.set(scope.address, name)
      begins(scope.address, name)
      return hear({ type: INIT }, scope, () => logic.init(input, scope))
    },
    step: (state, event, scope) => hear(event, scope, () => logic.step(state, event, scope)),
    persist: (state) => logic.persist(state),
    restore: (stored, scope) => logic.restore(stored, scope),
    view: (state) => logic.view(state),
    child: (src) => {
      if (!children.has(src)) children.set(src, heardChild(logic.child(src), inboxes, begins))
      return children.get(src)
    }
  }
}

function heardChild(child: Child | undefined, inboxes: Inboxes, begins: Begins): Child | undefined {
  if (child?.kind !== 'logic') return child
  return { kind: 'logic', logic: heardLogic(child.logic, inboxes, begins) }
}

const ABOUT_CHILD = /^xstate\.(?:done\.actor|error\.actor|snapshot)\.(.*)$/

function senderOf(event: Event, { address, sender }: Scope): string {
  if (sender === null) return ABOUT_CHILD.exec(event.type)?.[1] ?? idOf(address)
  return sender.includes('~client') ? OUTSIDE : idOf(sender)
}

/** Its last segment. */
export function idOf(address: string): string {
  const path = address.split('#', 1)[0] as string
  return decodeURIComponent(path.slice(path.lastIndexOf('/') + 1))
}

/**
 * Whether two runs of a tree differ by what is not promised. Of the actor that differs first by itself, either two
 * senders' mails came in another order, each one's in its own; or it was stopped with mail before it.
 */
export function mayDiffer(live: Inboxes, kernel: Inboxes): boolean {
  return [...live.of].some(([id, mails]) => isReordered(mails, kernel.of.get(id) ?? []))
}

function isReordered(live: readonly Mail[], kernel: readonly Mail[]): boolean {
  const at = live.findIndex((mail, i) => !isEqual(mail, kernel[i]))
  const [first, second] = [live[at], kernel[at]]
  if (first === undefined || second === undefined) return false
  if (second.what === 'stop') return live.slice(at).some(isEnd)
  if (first.what === 'stop') return second.from !== first.from && kernel.slice(at).some(isEnd)
  if (first.from === second.from) return false
  return comes(second, live.slice(at)) && comes(first, kernel.slice(at))
}

/** As the next of its sender, or never, for its receiver ends before. */
function comes(mail: Mail, among: readonly Mail[]): boolean {
  const next = among.find(({ from, what }) => from === mail.from && what !== 'stop' && what !== 'fail')
  return next === undefined ? among.some(isEnd) : next.what.replace(DONE, '') === mail.what.replace(DONE, '')
}

function isEnd({ what }: Mail): boolean {
  return what === 'stop' || what === 'fail' || DONE.test(what)
}

function isEqual(a: Mail, b: Mail | undefined): boolean {
  return b !== undefined && a.from === b.from && a.what === b.what
}
