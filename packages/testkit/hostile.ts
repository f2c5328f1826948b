import fc from 'fast-check'

/**
 * Cases a decoder is given, half of them noise and half valid bytes gone wrong: 20,000 beside all other tests, and
 * what `BRUME_HOSTILE_CASES` says elsewhere, and then how many a second it took; `npm run fuzz` says 100,000.
 */
const HOSTILE_CASES = Number(process.env.BRUME_HOSTILE_CASES ?? 20_000)

/** Numbers that sit on the edge of some field's range. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xff]

type Edit = readonly [kind: number, at: number, value: number]

/** Bytes no honest peer sends: noise, and samples with bits flipped, bytes set to edges, cut, doubled or spliced. */
export function hostileBytes(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edit = fc.tuple(fc.nat(5), fc.nat(0xffff), fc.nat(255)) satisfies fc.Arbitrary<Edit>
  const noise = fc.uint8Array({ maxLength: 128 })
  const edits = fc.array(edit, { minLength: 1, maxLength: 3 })
  const mutated = fc
    .tuple(fc.constantFrom(...samples), edits)
    .map(([sample, changes]) => changes.reduce<Uint8Array>((bytes, change) => applyEdit(bytes, change), sample))
  return fc.oneof(noise, mutated)
}

function applyEdit(bytes: Uint8Array, [kind, where, value]: Edit): Uint8Array {
  const at = bytes.length === 0 ? 0 : where % bytes.length
  const head = bytes.subarray(0, at)
  switch (kind) {
    case 0:
      return head.slice()
    case 1:
      return Uint8Array.from([...head, value, ...bytes.subarray(at)])
    case 2:
      return Uint8Array.from([...head, ...bytes.subarray(at + 1)])
    case 3:
      return Uint8Array.from([...bytes, ...bytes.subarray(at)])
    case 4:
      return bytes.length === 0 ? bytes : bytes.with(at, (bytes[at] ?? 0) ^ (1 << (value & 7)))
    default:
      return bytes.length === 0 ? bytes : bytes.with(at, EDGES[value % EDGES.length] ?? 0)
  }
}

/**
 * Feeds a decoder `HOSTILE_CASES` inputs. It may answer, or throw one of its own errors; whatever it
 * accepts must encode back to the same bytes, so that no two inputs mean one thing.
 *
 * @param isOwnError - is this what the decoder documents that it throws?
 * @param encode - the inverse, where there is one
 */
export function assertWithstands<T>(
  samples: readonly Uint8Array[],
  decode: (bytes: Uint8Array) => T,
  isOwnError: (error: unknown) => boolean,
  encode?: (value: T) => Uint8Array
): void {
  const startMs = performance.now()
  fc.assert(
    fc.property(hostileBytes(samples), (bytes) => {
      let value: T
      try {
        value = decode(bytes)
      } catch (error) {
        if (isOwnError(error)) return
        throw error
      }
      if (encode !== undefined && Buffer.compare(encode(value), bytes) !== 0) {
        throw new Error('accepted bytes that are not what its value encodes to')
      }
    }),
    { numRuns: HOSTILE_CASES }
  )
  if (process.env.BRUME_HOSTILE_CASES !== undefined)
    console.info(`${Math.round(HOSTILE_CASES / ((performance.now() - startMs) / 1_000))} inputs/s`)
}
