import { type ClientAnswer, trustManifest } from '@brume/protocols/quorum'
import { SimClock, settle } from '@brume/testkit'
import { expect, test } from 'vitest'
import { clientOf, manifestOf } from '../../samples.ts'
import { OrderInFlight } from '../order.ts'

const OVER_MS = 400_000

/** An order at four members of which the first two are asked, and what each of them is given to answer with. */
function orderAt() {
  const clock = new SimClock()
  const manifest = manifestOf([1, 1, 1, 1])
  const hears = new Map<string, (answer: ClientAnswer) => void>()
  let unit = 1
  const ports = {
    ...{ clock, members: ['a', 'b', 'c', 'd'], weightOf: () => unit, faults: () => unit },
    ask: (peer: string, _: unknown, hear: (answer: ClientAnswer) => void) => {
      hears.set(peer, hear)
      return () => {}
    },
    trusted: () => [trustManifest(manifest)] as const,
    learned: (_: unknown, bundle: Uint8Array) => bundle
  }
  const order = new OrderInFlight(clientOf(manifest, () => clock.wall())('x'), undefined, ports, () => {})
  const ended: string[] = []
  order.final.catch(({ code }: { code: string }) => ended.push(code))
  const refuse = (peer: string, code: string) =>
    hears.get(peer)?.({ number: 1, type: 'refused', code, height: 1, message: 'no' })
  return {
    ...{ clock, ended, refuse },
    reweigh: (by: number) => {
      unit = by
    }
  }
}

test('one of four refuses nothing for good, though an epoch has come in which each weighs a hundred times as much', async () => {
  const { ended, refuse, reweigh } = orderAt()
  reweigh(100)
  refuse('a', 'SEQUENCE_OLD')
  await settle()
  expect(ended).toEqual([])
  refuse('b', 'SEQUENCE_OLD')
  await settle()
  expect(ended).toEqual(['BRUME_QUORUM_SEQUENCE_OLD'])
})

test('what one alone refused for good is not the last word either', async () => {
  const { clock, ended, refuse } = orderAt()
  refuse('a', 'EXPIRED')
  await clock.pass(OVER_MS)
  expect(ended).toEqual(['BRUME_QUORUM_UNANSWERED'])
})
