import { DEFAULT_NETWORK, networkId } from '@brume/crypto'
import { expect, it } from 'vitest'
import { Bench, person, recordOf } from '../samples.ts'

const elsewhere = networkId({ ...DEFAULT_NETWORK, name: 'elsewhere' })

it('a peer of another network goes without blame, with all it sent behind its Hello', () => {
  const bench = new Bench(1)
  bench.run({ type: 'opened' })
  const effects = [...bench.meet(2, { networkId: elsewhere })]
  const from = person(2).peerId
  const records = { type: 'records' as const, records: [recordOf(2, { networkId: elsewhere }).bytes] }
  effects.push(...bench.run({ type: 'records.received', from, records }))
  effects.push(...bench.run({ type: 'link.down', peer: from }))
  expect(effects.filter(({ type }) => type === 'drop')).toMatchObject([{ peer: from }])
  expect(effects.filter(({ type }) => type === 'malformed')).toEqual([])
  expect(bench.state.table.has(from)).toBe(false)
})
