import { type Order, type QuorumClient, QuorumError, type QuorumErrorCode } from '@brume/actors/quorum'
import { identityFromSeed } from '@brume/crypto'
import { decodeCall } from '@brume/protocols/quorum'
import { SimClock, settle } from '@brume/testkit'
import { beforeEach, expect, test } from 'vitest'
import { Commands } from './commands.ts'

type Proven = Awaited<Order['final']>
type Answered = Awaited<Order['attested']>

/** A group that says of each command what the test wants. */
class Script {
  readonly seen: { session: number; sequence: number; body: string; bytes: Uint8Array }[] = []
  readonly #orders: { final: PromiseWithResolvers<Proven>; attested: PromiseWithResolvers<Answered> }[] = []

  readonly client = {
    submit: (bytes: Uint8Array): Order => {
      const { session, sequence, body } = decodeCall(bytes)
      this.seen.push({ session, sequence, body: Buffer.from(body).toString(), bytes })
      const order = { final: Promise.withResolvers<Proven>(), attested: Promise.withResolvers<Answered>() }
      this.#orders.push(order)
      for (const { promise } of Object.values(order)) promise.catch(() => undefined)
      const { final, attested } = order
      return { id: '', notarized: final.promise, final: final.promise, attested: attested.promise }
    }
  } as unknown as QuorumClient

  places(from = 0): string[] {
    return this.seen.slice(from).map(({ session, sequence, body }) => `${session}/${sequence} ${body}`)
  }

  async accept(index: number, height = index + 1): Promise<void> {
    const proven = { height, view: height, bundle: new Uint8Array() }
    this.#orders[index]?.final.resolve(proven)
    this.#orders[index]?.attested.resolve({ ...proven, answer: new Uint8Array() })
    await settle()
  }

  async refuse(index: number, code: QuorumErrorCode): Promise<void> {
    const error = new QuorumError(code, 'refused')
    this.#orders[index]?.final.reject(error)
    this.#orders[index]?.attested.reject(error)
    await settle()
  }
}

let script: Script
let commands: Commands
let clock: SimClock
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))

beforeEach(() => {
  script = new Script()
  clock = new SimClock()
  let sessions = 0
  commands = new Commands({
    ...{ client: script.client, clock, groupId: new Uint8Array(32), identity: identityFromSeed(new Uint8Array(32)) },
    nextSession: async () => ++sessions
  })
})

test('takes places of one session in order, at most 32 at once', async () => {
  for (let i = 0; i < 40; i++) commands.send(bytes(`c${i}`))
  await settle()
  expect(script.places().slice(0, 3)).toEqual(['1/1 c0', '1/2 c1', '1/3 c2'])
  expect(script.seen.length).toBe(32)
  await script.accept(0)
  expect(script.places(32)).toEqual(['1/33 c32'])
})

test('signs anew in another session what stands behind a command that never takes effect', async () => {
  const sent = ['a', 'b', 'c'].map((text) => commands.send(bytes(text)))
  await settle()
  await script.accept(0)
  await script.refuse(1, 'BRUME_QUORUM_EXPIRED')
  await expect(sent[1]?.final).rejects.toMatchObject({ code: 'BRUME_QUORUM_EXPIRED' })
  expect(script.places(3)).toEqual(['2/1 c'])
  // What the old order says now is of a command that is not there any more.
  await script.refuse(2, 'BRUME_QUORUM_SEQUENCE_GAP')
  await script.accept(3, 9)
  expect(await sent[2]?.final).toMatchObject({ height: 9 })
  expect(await sent[0]?.final).toMatchObject({ height: 1 })
})

test('does not repeat what may have taken effect: what stands behind it ends by itself', async () => {
  const sent = ['a', 'b'].map((text) => commands.send(bytes(text)))
  await settle()
  await script.refuse(0, 'BRUME_QUORUM_UNANSWERED')
  await expect(sent[0]?.final).rejects.toMatchObject({ code: 'BRUME_QUORUM_UNANSWERED' })
  expect(script.seen.length).toBe(2)
  commands.send(bytes('c'))
  await settle()
  expect(script.places(2)).toEqual(['2/1 c'])
  await script.accept(1)
  expect(await sent[1]?.final).toMatchObject({ height: 2 })
})

test('keeps the signed command of a durable sender before it leaves, and gives the same bytes again', async () => {
  const kept: Uint8Array[] = []
  const keep = async (command: Uint8Array): Promise<void> => void kept.push(command)
  commands.send(bytes('a'), { keep, untilMs: clock.now() + 60_000 })
  await settle()
  expect(kept).toEqual([script.seen[0]?.bytes])
  const [signed = new Uint8Array()] = kept
  // Another life: no session is used for what was signed in the last one.
  const again = commands.send(bytes('a'), { keep, signed, untilMs: clock.now() + 60_000 })
  await settle()
  expect(script.seen[1]?.bytes).toEqual(signed)
  await script.refuse(1, 'BRUME_QUORUM_EXPIRED')
  expect(script.places(2)).toEqual(['1/2 a'])
  expect(kept.length).toBe(2)
  await script.accept(2, 5)
  expect(await again.final).toMatchObject({ height: 5 })
})

test('refuses more than waits in reason', async () => {
  for (let i = 0; i < 1_056; i++) {
    commands.send(bytes('x'))
    if (i === 31) await settle()
  }
  expect(() => commands.send(bytes('x'))).toThrow(expect.objectContaining({ code: 'BRUME_RUNTIME_FULL' }))
})
