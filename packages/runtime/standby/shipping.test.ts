import { concat } from '@brume/codec'
import { describe, expect, test } from 'vitest'
import { actorId } from '../address.ts'
import { encodeBatch } from './log.ts'
import type { Placement, Shipping, StandbyInput, StandbyOutput } from './port.ts'
import { createShipping } from './shipping.ts'

const AUTHORITY = `group/${'a'.repeat(52)}`
const ADDRESS = `brume://${AUTHORITY}/x`
const COPIES = ['a', 'b', 'c']
const BATCH = encodeBatch([{ type: 'put', key: Uint8Array.of(1), value: Uint8Array.of(2) }])

const placed = (fields: Partial<Placement>): Placement => ({
  ...{ epoch: 1, version: 1, holder: 'a', inSync: [], copies: COPIES, minInSync: 1, kind: 'x', begun: true },
  ...fields
})

/** One peer's reducer; what it wants done is done by hand. */
class Peer {
  readonly shipping: Shipping
  nowMs = 0
  #looks = 0

  constructor(self: string) {
    this.shipping = createShipping(self, 0)
  }

  on(input: StandbyInput): readonly StandbyOutput[] {
    const out = this.shipping.on(input, this.nowMs)
    for (const output of out) if (output.type === 'look') this.#looks = output.look
    return out
  }

  /** Time in which ticks come. */
  pass(ms: number): readonly StandbyOutput[] {
    const out: StandbyOutput[] = []
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs += 250
      out.push(...this.on({ type: 'tick' }))
    }
    return out
  }

  told(placement: Placement): readonly StandbyOutput[] {
    const placements = new Map([[ADDRESS, placement]])
    return this.on({ type: 'told', authority: AUTHORITY, look: this.#looks, placements })
  }

  order(out: readonly StandbyOutput[]): StandbyOutput & { readonly type: 'order' } {
    const order = out.find((output) => output.type === 'order')
    if (order === undefined) throw new RangeError('nothing was ordered')
    return order
  }

  answer(out: readonly StandbyOutput[], placement: Placement | null): readonly StandbyOutput[] {
    const { order } = this.order(out)
    const reply = placement && { refused: null, placement }
    return this.on({ type: 'answered', address: ADDRESS, order, reply })
  }
}

/** Frames of one to the other and back, until both are silent. Writes are done at once. */
function talk(a: Peer, b: Peer, names: readonly [string, string], first: readonly StandbyOutput[]): StandbyOutput[] {
  const rest: StandbyOutput[] = []
  const queue = first.map((output) => ({ at: a, output }))
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const { at, output } = next
    const other = at === a ? b : a
    const isTo = output.type === 'send' && output.to === names[at === a ? 1 : 0]
    if (output.type === 'write') {
      const done = at.on({ type: 'written', address: ADDRESS, write: output.write })
      queue.push(...done.map((one) => ({ at, output: one })))
    } else if (isTo) {
      const heard = other.on({ type: 'frame', from: names[at === a ? 0 : 1] ?? '', frame: output.frame })
      queue.push(...heard.map((one) => ({ at: other, output: one })))
    } else rest.push(output)
  }
  return rest
}

/** `a` holds, `b` is asked for to be in step. */
function leading(): { a: Peer; b: Peer; out: readonly StandbyOutput[] } {
  const [a, b] = [new Peer('a'), new Peer('b')]
  b.on({ type: 'started', authorities: [AUTHORITY] })
  b.told(placed({}))
  const wanted = a.on({ type: 'place', address: ADDRESS, kind: 'x', copies: COPIES, minInSync: 1 })
  const led = a.answer(wanted, placed({}))
  a.told(placed({}))
  const out = talk(a, b, ['a', 'b'], [...led, ...a.pass(500)])
  return { a, b, out }
}

const releases = (out: readonly StandbyOutput[]): readonly number[] =>
  out.flatMap((output) => (output.type === 'release' ? [output.batches] : []))

describe('a holder', () => {
  test('has one that has caught up ordered to be in step, and waits for it from then on', () => {
    const { a, b, out } = leading()
    expect(a.order(out).event).toMatchObject({ type: 'join', peer: 'b', epoch: 1, version: 1 })
    const sent = a.on({ type: 'batch', address: ADDRESS, batch: BATCH })
    const own = sent.filter(({ type }) => type === 'write')
    // Its own disk is not enough, whether the order took effect or not.
    expect(releases(talk(a, new Peer('x'), ['a', 'x'], own))).toEqual([])
    const ships = sent.filter(({ type }) => type === 'send')
    expect(releases(talk(a, b, ['a', 'b'], ships))).toEqual([1])
  })

  test('waits on where nobody knows what became of an order, and asks again', () => {
    const { a, out } = leading()
    const again = [...a.answer(out, null), ...a.told(placed({}))]
    expect(a.order(again).event).toMatchObject({ type: 'join', peer: 'b', version: 1 })
    const sent = a.on({ type: 'batch', address: ADDRESS, batch: BATCH })
    expect(releases(talk(a, new Peer('x'), ['a', 'x'], sent))).toEqual([])
  })

  test('drops one that is silent for two seconds, but none of the last that it needs', () => {
    const { a, out } = leading()
    a.answer(out, placed({ version: 2, inSync: ['b', 'c'] }))
    expect(a.pass(1_500).some(({ type }) => type === 'order')).toBe(false)
    const dropped = a.pass(1_500)
    expect(a.order(dropped).event).toMatchObject({ type: 'drop', version: 2 })
    a.answer(dropped, placed({ version: 3, inSync: ['c'] }))
    expect(a.pass(5_000).some(({ type }) => type === 'order')).toBe(false)
    expect(a.shipping.takes(ADDRESS, a.nowMs)).toBe(false)
  })

  test('ends when it hears of a later one, and its log gives way to that of the other', () => {
    const { a, b, out } = leading()
    talk(a, b, ['a', 'b'], a.answer(out, placed({ version: 2, inSync: ['b'] })))
    // Nobody else gets this one.
    a.on({ type: 'batch', address: ADDRESS, batch: BATCH })
    b.pass(2_250)
    b.told(placed({ version: 2, inSync: ['b'] }))
    const asked = b.pass(6_000)
    expect(b.order(asked).event).toMatchObject({ type: 'take', epoch: 1, version: 2 })
    const next = placed({ epoch: 2, version: 3, holder: 'b', inSync: [] })
    const led = b.answer(asked, next)
    expect(led.some(({ type }) => type === 'lead')).toBe(true)
    const mine = b.on({ type: 'batch', address: ADDRESS, batch: encodeBatch([]) })
    const heard = talk(b, a, ['b', 'a'], [...led, ...mine])
    // Both logs have one batch after the same place, and are not the same: the other one is to be given all anew.
    expect(heard.map(({ type }) => type)).toEqual(expect.arrayContaining(['look', 'read']))
    expect(a.shipping.mayRead(ADDRESS, a.nowMs)).toBe(false)
    expect(a.told(next).map(({ type }) => type)).toContain('cease')
  })
})

describe('a follower', () => {
  test('asks for the place of one it has not heard for 7.5 s, and answers it no more', () => {
    const { a, b, out } = leading()
    a.answer(out, placed({ version: 2, inSync: ['b'] }))
    // It looks when it hears nothing.
    b.pass(2_250)
    b.told(placed({ version: 2, inSync: ['b'] }))
    const early = b.pass(5_000)
    expect(early.some(({ type }) => type === 'order')).toBe(false)
    const asked = b.pass(500)
    expect(b.order(asked).event).toMatchObject({ type: 'take' })
    for (const frame of a.pass(1_000).flatMap((output) => (output.type === 'send' ? [output.frame] : []))) {
      expect(b.on({ type: 'frame', from: 'a', frame }).filter(({ type }) => type === 'send')).toEqual([])
    }
  })

  test('that did not run itself waits for what others have said meanwhile', () => {
    const { a, b, out } = leading()
    a.answer(out, placed({ version: 2, inSync: ['b'] }))
    b.pass(2_250)
    b.told(placed({ version: 2, inSync: ['b'] }))
    b.nowMs += 60_000
    expect(b.on({ type: 'tick' }).some(({ type }) => type === 'order')).toBe(false)
  })

  test('answers no beacon before it knows what it is', () => {
    const b = new Peer('b')
    b.on({ type: 'started', authorities: [AUTHORITY] })
    const beacon: StandbyInput = { type: 'frame', from: 'a', frame: { type: 'beacon', n: 1 } }
    expect(b.on(beacon)).toEqual([])
    b.told(placed({}))
    expect(b.on(beacon)).toEqual([{ type: 'send', to: 'a', frame: { type: 'beaconAck', n: 1 } }])
  })
})

test('what no kernel wrote is not taken for a batch, and nobody is told that it was', () => {
  const { b } = leading()
  const ship = (entry: Uint8Array): StandbyInput => ({
    type: 'frame',
    from: 'a',
    frame: {
      ...{ type: 'ship', id: actorId(ADDRESS), epoch: 1, fromSeq: 1, prevHash: new Uint8Array(32) },
      ...{ entries: [entry], record: null }
    }
  })
  const heard = b.on(ship(Uint8Array.of(3, 255)))
  expect(heard).toMatchObject([{ type: 'send', frame: { type: 'shipAck', seq: 0 } }])
  expect(b.on(ship(concat(Uint8Array.of(3), BATCH)))).toMatchObject([{ type: 'write' }])
})
