import { fromPromise } from 'xstate'
import type { Kind } from '../../kernel/index.ts'
import type { ActorLogic, Child, Effect, Event, Json } from '../../logic/port.ts'

type Lists = { readonly [name: string]: readonly number[] }

const added = (state: Lists, name: string, k: number): Lists => ({ ...state, [name]: [...(state[name] ?? []), k] })
const numberOf = (event: Event): number => Number(event.k ?? (event.output as Json))

/** What an actor does with an event of a type: to which of its lists the number goes, and what follows. */
type Rules = {
  readonly [type: string]: readonly [list: string, effects: (k: number, event: Event) => readonly Effect[]]
}

/** Keeps lists of numbers, by rules; everything else is no business of its. */
function lists(rules: Rules, child: (src: string) => Child | undefined = () => undefined): ActorLogic {
  const logic: ActorLogic<Lists> = {
    id: new Uint8Array(32),
    init: () => ({ state: {}, effects: [] }),
    step: (state, event) => {
      const type = event.type.startsWith('xstate.done.actor.') ? 'done' : event.type
      const rule = rules[type]
      if (rule === undefined) return { state, effects: [] }
      const k = numberOf(event)
      return { state: added(state, rule[0], k), effects: rule[1](k, event) }
    },
    persist: (state) => ['active', null, state, [], [], [], []],
    restore: (stored) => (stored as readonly Json[])[2] as Lists,
    view: (state) => ({ status: 'active', value: null, context: state, tags: [] }),
    child
  }
  return logic as ActorLogic
}

const none = (): readonly Effect[] => []
const send = (to: string, type: string, k: number, more: { readonly [field: string]: Json } = {}): Effect => ({
  kind: 'send',
  to,
  event: { type, k, ...more }
})

export interface Places {
  /** Addresses of the sink, of who hears what was said in passing, and of the source. */
  readonly sink: string
  readonly ear: string
  readonly source: string
}

/**
 * Each `go` of a client makes the source say so to an actor of another peer, to one beside it, to one that lives in
 * memory only and passes it on, to a timer, to a promise and to a custom action. Who hears of it writes it down.
 */
export function kinds({ sink, ear, source }: Places, mailed: (id: string, k: number) => void): readonly Kind[] {
  const look = fromPromise(async ({ input }) => input)
  const child = (): Child => ({ kind: 'effect', logic: look })
  const go = (k: number): readonly Effect[] => [
    send(sink, 'add', k),
    send('mirror', 'add', k),
    send('relay', 'pass', k),
    { kind: 'timer', id: `t${k}`, event: { type: 'ring', k }, delayMs: (k % 5) * 15 },
    { kind: 'spawn', id: `p${k}`, src: 'look', input: k, syncSnapshot: false },
    { kind: 'run', type: 'mail', params: k },
    { kind: 'emit', event: { type: 'went', k } }
  ]
  const kind = (name: string, logic: ActorLogic): Kind => ({ name, version: 1, logic })
  return [
    {
      ...kind(
        'source',
        lists({ go: ['went', go], ring: ['rang', none], done: ['looked', none], pong: ['ponged', none] }, child)
      ),
      effects: {
        mail: ({ id, params }) => {
          mailed(id, Number(params))
          return null
        }
      }
    },
    kind('sink', lists({ add: ['added', (k) => [send(source, 'pong', k)]] })),
    kind('mirror', lists({ add: ['added', none] })),
    kind('relay', lists({ pass: ['passed', (k) => [send(ear, 'heard', k)]] })),
    kind('ear', lists({ heard: ['heard', none] }))
  ]
}
