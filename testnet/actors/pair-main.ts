import { createPeer } from '@brume/peer'
import { remote } from '@brume/runtime/logic'
import { assign, sendTo, setup } from 'xstate'

/** What the parent says; each is answered by a message of the same field. */
export interface Order {
  readonly dial?: readonly string[]
  readonly go?: number
  readonly read?: string
}

export interface Answer {
  readonly up?: { readonly id: string; readonly addresses: readonly string[] }
  readonly dialed?: true
  readonly gone?: number
  readonly list?: readonly number[]
}

/** Writes down each number, and says it to the actor at the address it was given, if any. */
const scribe = setup({
  types: {} as {
    context: { to: string; list: number[] }
    events: { type: 'go'; k: number }
    input: { to: string }
  },
  guards: { hasNext: ({ context }) => context.to !== '' },
  actions: { write: assign({ list: ({ context, event }) => [...context.list, event.k] }) }
}).createMachine({
  context: ({ input }) => ({ to: input.to, list: [] }),
  on: {
    go: [
      {
        guard: 'hasNext',
        actions: [
          'write',
          sendTo(
            ({ context }) => remote(context.to),
            ({ event }) => ({ type: 'go', k: event.k })
          )
        ]
      },
      { actions: 'write' }
    ]
  }
})

const [dataDir = '', network = '', to = ''] = process.argv.slice(2)
const say = (answer: Answer): void => void process.send?.(answer)
const peer = await createPeer({ profile: 'local', mdns: false, network, dataDir, logLevel: 'silent' })
const logic = await peer.register<typeof scribe>(scribe, { name: 'scribe', version: 1 })
const ref = await peer.spawn(logic, { id: 'scribe', input: { to } })

async function obey({ dial, go, read }: Order): Promise<void> {
  if (dial !== undefined) {
    await peer.dial(dial, { timeoutMs: 60_000 })
    say({ dialed: true })
  }
  if (go !== undefined) {
    await ref.submit({ type: 'go', k: go }, { key: new Uint8Array(16).fill(go + 1) })
    say({ gone: go })
  }
  if (read !== undefined) say({ list: (await ref.snapshot()).context.list })
}

// What cannot be done now is asked again by the next life.
process.on('message', (order) => void obey(order as Order).catch(() => undefined))
say({ up: { id: peer.id, addresses: peer.addresses } })
