import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameReader, packFrames } from './frames.ts'

/** Cuts bytes at arbitrary places, empty pieces included. */
function chunks(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end))
}

const bodies = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 20 })
const cuts = fc.array(fc.nat({ max: 6_000 }), { maxLength: 30 })

describe('frames', () => {
  test('come back whole, whatever the chunks', () => {
    fc.assert(
      fc.property(bodies, cuts, (sent, at) => {
        const got: Uint8Array[] = []
        const reader = new FrameReader(300, (body) => got.push(body))
        for (const chunk of chunks(packFrames(sent), at)) expect(reader.push(chunk)).toBeUndefined()
        expect(got.map((body) => Buffer.from(body))).toEqual(sent.map((body) => Buffer.from(body)))
      }),
      { numRuns: 2_000 }
    )
  })

  test('are copies: the chunk may be written over afterwards', () => {
    const chunk = new Uint8Array(packFrames([Uint8Array.of(1, 2, 3)]))
    const got: Uint8Array[] = []
    new FrameReader(3, (body) => got.push(body)).push(chunk)
    chunk.fill(0)
    expect(got[0]).toEqual(Uint8Array.of(1, 2, 3))
    expect(got[0]?.buffer.byteLength).toBe(3)
  })

  test('a long body grows by what arrived, not by what was announced', () => {
    const head = Buffer.alloc(8)
    head.writeUInt32BE(1_000_000_000)
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 100 }, () => new FrameReader(1_000_000_000, () => {}))
    for (const reader of readers) reader.push(head)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1_048_576)
  })

  test('megabytes in small chunks come back whole', () => {
    const body = Buffer.alloc(1_048_576, 'brume')
    const packed = packFrames([body])
    let got: Uint8Array | undefined
    const reader = new FrameReader(1_048_576, (frame) => {
      got = frame
    })
    for (let at = 0; at < packed.length; at += 1_000) reader.push(packed.subarray(at, at + 1_000))
    expect(got !== undefined && body.equals(got)).toBe(true)
  })

  test('empty and long ones end the reading', () => {
    const after = packFrames([Uint8Array.of(9)])
    for (const [length, fault] of [
      [0, 'empty'],
      [11, 'too-long'],
      [0xffff_ffff, 'too-long']
    ] as const) {
      const got: Uint8Array[] = []
      const reader = new FrameReader(10, (body) => got.push(body))
      const bad = Buffer.alloc(4)
      bad.writeUInt32BE(length)
      expect(reader.push(Buffer.concat([after, bad, after]))).toBe(fault)
      expect(reader.push(after)).toBe(fault)
      expect(got).toHaveLength(1)
    }
  })

  test('100,000 hostile streams never yield a frame out of bounds', () => {
    const BYTES_MAX = 64
    let seed = 1
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
      return (seed >>> 8) % below
    }
    for (let round = 0; round < 100_000; round += 1) {
      const reader = new FrameReader(BYTES_MAX, (body) => {
        if (body.length === 0 || body.length > BYTES_MAX) throw new Error(`a frame of ${body.length} bytes`)
      })
      for (let chunk = 0; chunk < 3; chunk += 1) {
        const bytes = new Uint8Array(next(24))
        // Mostly small numbers, so that lengths are often valid.
        for (let index = 0; index < bytes.length; index += 1)
          bytes[index] = next(4) === 0 ? next(256) : next(2) * next(40)
        reader.push(bytes)
      }
    }
  })
})
