/**
 * One of a pair of peers, a process of its own: `node pair-main.ts <data folder> <network> <address of the sink, or nothing>`.
 * With an address it runs the source, without one the sink.
 */
import { createPeer } from '@brume/peer'
import { remote, sender } from '@brume/runtime/logic'
import { assign, fromPromise, sendTo, setup, spawnChild, stopChild } from 'xstate'
import { CrashPoints, type Point } from './crash-points.ts'

/** What the runner says; each but `die` is answered by a message of the same field. */
export interface Order {
  readonly dial?: readonly string[]
  readonly go?: number
  readonly read?: true
  readonly die?: { readonly at: Point; readonly times: number }
}

/** Numbers by the name of the list that they were written into, in order. */
export type Lists = { readonly [list: string]: readonly number[] }

export interface Answer {
  readonly up?: { readonly id: string; readonly addresses: readonly string[] }
  readonly dial?: true
  readonly go?: number
  readonly read?: Lists
  /** A custom action was carried out, once more or for the first time. */
  readonly mailed?: { readonly id: string; readonly k: number }
}

const look = fromPromise(async ({ input }: { input: number }) => input)

/** XState's own word for it that a child is done, which no machine declares. */
const done = (event: object) => event as { readonly output: number; readonly actorId: string }

/** Each number goes to the sink, to a promise and to a custom action; what comes of it is written down, too. */
const source = setup({
  types: {} as {
    context: { to: string; went: number[]; looked: number[]; ponged: number[] }
    events: { type: 'go' | 'pong'; k: number }
    input: { to: string }
  },
  actors: { look },
  actions: { mail: (_, _params: { k: number }) => undefined }
}).createMachine({
  context: ({ input }) => ({ to: input.to, went: [], looked: [], ponged: [] }),
  on: {
    go: {
      actions: [
        assign({ went: ({ context, event }) => [...context.went, event.k] }),
        sendTo(
          ({ context }) => remote(context.to),
          ({ event }) => ({ type: 'add', k: event.k })
        ),
        spawnChild('look', { id: ({ event }) => `look-${event.k}`, input: ({ event }) => event.k }),
        { type: 'mail', params: ({ event }) => ({ k: event.k }) }
      ]
    },
    pong: { actions: assign({ ponged: ({ context, event }) => [...context.ponged, event.k] }) },
    'xstate.done.actor.*': {
      actions: [
        assign({ looked: ({ context, event }) => [...context.looked, done(event).output] }),
        stopChild(({ event }) => done(event).actorId)
      ]
    }
  }
})

/** Writes down what it is told, and says so to whoever told it. */
const sink = setup({
  types: {} as { context: { added: number[] }; events: { type: 'add'; k: number } }
}).createMachine({
  context: { added: [] },
  on: {
    add: {
      actions: [
        assign({ added: ({ context, event }) => [...context.added, event.k] }),
        sendTo(
          () => remote((sender() ?? '').replace(/#\d+$/, '')),
          ({ event }) => ({ type: 'pong', k: event.k })
        )
      ]
    }
  }
})

// Whoever started it is gone.
process.on('disconnect', () => process.exit(0))

const [dataDir = '', network = '', to = ''] = process.argv.slice(2)
const say = (answer: Answer): void => void (process.connected && process.send?.(answer, undefined, {}, () => undefined))
const crash = new CrashPoints()
const peer = await createPeer({
  ...{ profile: 'local', mdns: false, network, dataDir, logLevel: 'silent' },
  ports: { wrapStore: (store) => crash.wrapStore(store), wrapNet: (net) => crash.wrapNet(net) }
})
const ref = to === '' ? await begin() : await beginSource()

async function begin() {
  const logic = await peer.register<typeof sink>(sink, { name: 'sink', version: 1 })
  return peer.spawn(logic, { id: 'sink', durability: 'journal' })
}

async function beginSource() {
  const effects = {
    mail: ({ id, params }: { readonly id: string; readonly params: unknown }) => {
      say({ mailed: { id, k: (params as { k: number }).k } })
      return null
    }
  }
  const logic = await peer.register<typeof source>(source, { name: 'source', version: 1, effects })
  return peer.spawn(logic, { id: 'source', durability: 'journal', input: { to } })
}

async function obey({ dial, go, read, die }: Order): Promise<void> {
  if (die !== undefined) crash.arm(die.at, die.times)
  if (dial !== undefined) {
    await peer.dial(dial, { timeoutMs: 60_000 })
    say({ dial: true })
  }
  if (go !== undefined) {
    await peer.ref<typeof source>('source').submit({ type: 'go', k: go }, { key: keyOf(go) })
    say({ go })
  }
  if (read) say({ read: listsOf((await ref.snapshot()).context) })
}

/** The same for the same number: asked again by another life, it is processed once. */
function keyOf(k: number): Uint8Array {
  const key = new Uint8Array(16)
  new DataView(key.buffer).setUint32(0, k + 1)
  return key
}

function listsOf(context: object): Lists {
  return Object.fromEntries(Object.entries(context).filter(([, list]) => Array.isArray(list)))
}

// What cannot be done now is asked again by the next life.
process.on('message', (order) => void obey(order as Order).catch(() => undefined))
say({ up: { id: peer.id, addresses: peer.addresses } })
