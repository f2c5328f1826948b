import { expect, test } from 'vitest'
import reader from '../../fixtures/reader.machine.ts'
import type tally from '../../fixtures/tally.machine.ts'
import type { Peer } from '../../index.ts'
import { simulate } from '../../testing/simulate.ts'

const TALLY = new URL('../../fixtures/tally.machine.ts', import.meta.url)
const SEED = '00112233445566778899aabbccddeeff'
/** Of nobody. */
const SAMPLE = 'brume://12D3KooWAM8Yzir4DStcFSBjFRL7Qwbmb2sq5MzyA8f6ggpt9hnw/reader'

test('what a group sends comes to an actor with copies once and in order, whoever holds it', {
  timeout: 300_000
}, async () => {
  const { peers, until, run, stop } = await simulate({ peers: 4, seed: SEED })
  const [a, b] = peers
  if (!a || !b) throw new Error('they are four')
  const quorum = { members: peers.map(({ id }) => id) }
  const reads = (peer: Peer) => peer.register<typeof reader>(reader, { name: 'reader', version: 1 })
  const samples = { samples: { add: [{ by: 1 }] }, sampleInput: { reader: SAMPLE } }
  const adds = (peer: Peer) => peer.register<typeof tally>(TALLY, { name: 'tally', version: 1, ...samples })
  const [readers, tallies] = [await Promise.all(peers.map(reads)), await Promise.all(peers.map(adds))]
  const [reads0, adds0] = [readers[0], tallies[0]]
  if (!reads0 || !adds0) throw new Error('they were registered')
  const reading = await until(a.spawn(reads0, { id: 'reader', mode: 'standby', quorum }))
  const input = { reader: reading.address }
  const counting = await until(a.spawn(adds0, { id: 'tally', mode: 'bft', quorum, input }))
  await run(3_000)
  const heard = async (count: number): Promise<readonly number[]> => {
    for (let i = 0; i < 100; i++) {
      const { sums } = (await until(reading.snapshot({ read: 'local' }))).context
      if (sums.length >= count) break
      await run(100)
    }
    await run(3_000)
    return (await until(reading.snapshot({ read: 'local' }))).context.sums
  }
  for (const by of [1, 2]) await until(counting.submit({ type: 'add', by }))
  expect(await heard(2)).toEqual([1, 3])
  await until(reading.move(b.id))
  for (const by of [2, 2]) await until(counting.submit({ type: 'add', by }))
  expect(await heard(4)).toEqual([1, 3, 5, 7])
  await stop()
})
