import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeProbe, encodeProbe, FixedReader, PROBE_BYTES } from './frame.ts'
import { asked, DEAD_MS, echoed, isDead, NO_LIVENESS, rttMinMs } from './liveness.ts'

describe('liveness', () => {
  test('dead 12 s after the first ask without an echo, later by the own stalls', () => {
    let state = asked(NO_LIVENESS, 1n, 0, 100)
    state = asked(state, 2n, 5_000, 100)
    expect(isDead(state, DEAD_MS, 100)).toBe(false)
    expect(isDead(state, DEAD_MS + 1, 100)).toBe(true)
    expect(isDead(state, DEAD_MS + 1, 8_100)).toBe(false)
    expect(isDead(state, DEAD_MS + 8_001, 8_100)).toBe(true)
    expect(isDead(echoed(state, 1n, 11_000), 1e9, 100)).toBe(false)
  })

  test('smooths round trips and forgets a minimum after five minutes', () => {
    let state = echoed(asked(NO_LIVENESS, 1n, 0, 0), 1n, 8)
    expect(state.rttMs).toBe(8)
    state = echoed(asked(state, 2n, 1_000, 0), 2n, 1_016)
    expect(state.rttMs).toBe(9)
    expect(rttMinMs(state)).toBe(8)
    state = echoed(asked(state, 3n, 400_000, 0), 3n, 400_020)
    expect(rttMinMs(state)).toBe(20)
  })

  test('an echo of an older ask proves life and measures nothing', () => {
    const state = echoed(asked(asked(NO_LIVENESS, 1n, 0, 0), 2n, 5_000, 0), 1n, 6_000)
    expect(state.rttMs).toBeUndefined()
    expect(isDead(state, 1e9, 0)).toBe(false)
  })
})

describe('probe frames', () => {
  test('round-trip', () => {
    const frame = fc.record({
      kind: fc.constantFrom('ask' as const, 'echo' as const),
      lagMs: fc.nat({ max: 0xffff_ffff }),
      nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
    })
    fc.assert(
      fc.property(frame, (one) => {
        expect(decodeProbe(encodeProbe(one))).toEqual(one)
      })
    )
  })

  test('hostile bytes, in any chunks, never throw and never leave more than a frame behind', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 }), (chunks) => {
        let pieces = 0
        const reader = new FixedReader(PROBE_BYTES, (bytes) => {
          pieces += 1
          decodeProbe(bytes)
        })
        for (const chunk of chunks) reader.push(chunk)
        const total = chunks.reduce((sum, { length }) => sum + length, 0)
        expect(pieces).toBe(Math.floor(total / PROBE_BYTES))
      }),
      { numRuns: 5_000 }
    )
  })
})
