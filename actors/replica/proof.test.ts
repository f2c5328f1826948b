import { addressOf, encodeProof, verifyProof } from '@brume/protocols/actors/proof'
import { bundleLogic, SNAPSHOT_PATHS } from '@brume/runtime/replica'
import { beforeAll, describe, expect, test } from 'vitest'
import { World } from './test/world.ts'

interface Shown {
  readonly address: string
  readonly answer: Uint8Array
  readonly state: Uint8Array
}

let shown: Shown
beforeAll(async () => {
  const bundle = await bundleLogic(new URL('./test/ledger.machine.ts', import.meta.url))
  const world = await World.of({ bundle })
  const { manifest } = world
  const { bundle: proven, height } = await world.event('add', { by: 7 })
  const found = await world.done(world.client.read(SNAPSHOT_PATHS, 'certified', { atLeast: height }))
  const { bundle: stated = null, places } = found
  if (stated === null || places === null) throw new Error('nothing was found')
  shown = {
    address: addressOf(manifest),
    answer: encodeProof(manifest, proven, []),
    state: encodeProof(manifest, stated, places.slice(1))
  }
}, 120_000)

/** Whether what is left of it still proves anything. */
function holds(bytes: Uint8Array, address: string): boolean {
  try {
    verifyProof(bytes, address)
    return true
  } catch {
    return false
  }
}

function flipped(bytes: Uint8Array, at: number, mask: number): Uint8Array {
  const changed = bytes.slice()
  changed[at] = (changed[at] ?? 0) ^ mask
  return changed
}

describe('a proof', { timeout: 120_000 }, () => {
  test.each(['answer', 'state'] as const)('of a machine: its %s is refused with any byte changed', (what) => {
    const { address, [what]: proof } = shown
    expect(holds(proof, address)).toBe(true)
    const survivors: number[] = []
    for (let at = 0; at < proof.length; at++) {
      for (const mask of [1, 0x80, 1 << (at % 8)]) if (holds(flipped(proof, at, mask), address)) survivors.push(at)
    }
    expect(survivors).toEqual([])
  })

  test('cut, or longer than it was, is refused', () => {
    const { address, state } = shown
    for (let length = 0; length < state.length; length += 7)
      expect(holds(state.subarray(0, length), address)).toBe(false)
    expect(holds(Buffer.concat([state, Uint8Array.of(0)]), address)).toBe(false)
  })

  test('of one actor proves nothing of another', () => {
    const { address, state } = shown
    expect(holds(state, address.replace(/demo$/, 'other'))).toBe(false)
    expect(
      holds(
        state,
        address.replace(/[a-z2-7]\/demo$/, (end) => (end[0] === 'a' ? 'q/demo' : 'a/demo'))
      )
    ).toBe(false)
    expect(holds(state, 'brume://12D3KooWAHoEkEqnKzM5PXFygh2movVBCSX3k8tDsT2cneU68Gyt/demo')).toBe(false)
  })
})
