import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  chainOf,
  encodeHeader,
  encodeRecord,
  HEADER_BYTES,
  NO_CHAIN,
  type RawRecord,
  recordBytes,
  SEGMENT_BYTES_MIN,
  segmentName,
  sequenceOfName
} from './layout.ts'
import { type JournalContent, readJournal, type SegmentFile } from './reader.ts'

const OWNER = new Uint8Array(32).fill(0xaa)
/** Small, so that each of its bytes can be tried. The header says so; the reader believes it. */
const SEGMENT = SEGMENT_BYTES_MIN

interface Built extends SegmentFile {
  readonly records: readonly RawRecord[]
  /** Where each record ends. */
  readonly ends: readonly number[]
  readonly chain: Uint8Array
}

function build(firstSequence: number, chainBefore: Uint8Array, payloads: readonly Uint8Array[]): Built {
  const bytes = new Uint8Array(SEGMENT)
  bytes.set(encodeHeader({ segmentBytes: SEGMENT, firstSequence, owner: OWNER, chainBefore }))
  let chain = chainBefore
  let end = HEADER_BYTES
  const built: { records: RawRecord[]; ends: number[] } = { records: [], ends: [] }
  for (const [index, payload] of payloads.entries()) {
    const fields = { sequence: firstSequence + index, kind: 5, flags: index, payload }
    chain = chainOf(chain, fields)
    const record = { ...fields, chain }
    bytes.set(encodeRecord(record), end)
    end += recordBytes(payload.length)
    built.records.push(record)
    built.ends.push(end)
  }
  return { firstSequence, bytes, chain, ...built }
}

const payloads = [3, 8, 1, 20].map((length, index) => new Uint8Array(length).fill(index + 1))
const plain = (records: readonly RawRecord[]) =>
  records.map(
    ({ sequence, kind, flags, payload }) => `${sequence} ${kind} ${flags} ${Buffer.from(payload).toString('hex')}`
  )
const recordsOf = (content: JournalContent) => content.segments.flatMap((segment) => segment.records)

/** Whatever was done to the file: what is read is a beginning of what was written. */
function expectBeginning(content: JournalContent, whole: readonly RawRecord[]): void {
  const read = recordsOf(content)
  expect(plain(read)).toEqual(plain(whole.slice(0, read.length)))
}

describe('the layout', () => {
  it('is byte by byte that of the design', () => {
    const chainBefore = new Uint8Array(32).fill(0xbb)
    const header = Buffer.from(encodeHeader({ segmentBytes: 4_194_304, firstSequence: 258, owner: OWNER, chainBefore }))
    expect(header.subarray(0, 92).toString('hex')).toBe(
      `4252554d454a31000001006000400000${'0000000000000102'}${'aa'.repeat(32)}${'bb'.repeat(32)}00000000`
    )
    expect(header.readUInt32BE(92)).toBe(crc32(header.subarray(0, 92)))
    const fields = { sequence: 258, kind: 7, flags: 1, payload: Uint8Array.of(1, 2, 3) }
    const hashed = `${'bb'.repeat(32)}0000000000000102${'0007'}${'0001'}010203`
    const chain = createHash('sha256').update('brume/journal/1').update(Buffer.from(hashed, 'hex')).digest()
    expect(Buffer.from(chainOf(chainBefore, fields)).toString('hex')).toBe(chain.toString('hex'))
    const record = Buffer.from(encodeRecord({ ...fields, chain }))
    expect(record).toHaveLength(64)
    const checksum = record.readUInt32BE(4)
    record.writeUInt32BE(0, 4)
    expect(checksum).toBe(crc32(record))
    expect(record.toString('hex')).toBe(
      `0000000300000000${'0000000000000102'}0007000100000000${chain.toString('hex')}0102030000000000`
    )
    expect(segmentName(258)).toBe('00000000000000000258.bj')
    expect(sequenceOfName('00000000000000000258.bj')).toBe(258)
    for (const other of ['prepared.tmp', '258.bj', '00000000000000000258.bj~', '99999999999999999999.bj']) {
      expect(sequenceOfName(other)).toBeUndefined()
    }
  })

  it('reads back whatever was written', () => {
    const payload = fc.uint8Array({ minLength: 1, maxLength: 300 })
    fc.assert(
      fc.property(fc.array(payload, { maxLength: 12 }), fc.integer({ min: 1, max: 2 ** 50 }), (written, first) => {
        const file = build(first, NO_CHAIN, written)
        const content = readJournal([file], OWNER)
        expect(content.verdict).toBe('clean')
        expect(plain(recordsOf(content))).toEqual(plain(file.records))
      }),
      { numRuns: 60 }
    )
  })
})

describe('a damaged file', () => {
  const file = build(1, NO_CHAIN, payloads)
  const end = file.ends.at(-1) ?? 0
  const lastStart = file.ends.at(-2) ?? 0

  it('cut at every byte is torn, or damaged where the header is gone', () => {
    for (let length = 0; length < SEGMENT; length += length < end + 64 ? 1 : 997) {
      const content = readJournal([{ ...file, bytes: file.bytes.slice(0, length) }], OWNER)
      expect(content.verdict, `cut at ${length}`).toBe(length < HEADER_BYTES ? 'damaged' : 'torn')
      expect(recordsOf(content)).toHaveLength(file.ends.filter((at) => at <= length).length)
      expectBeginning(content, file.records)
    }
  })

  it('zeroed from every byte on is clean only where nothing but whole records is left', () => {
    const beginnings = payloads.map((_, count) => build(1, NO_CHAIN, payloads.slice(0, count)).bytes)
    for (let at = HEADER_BYTES; at < lastStart + 60; at += 1) {
      const bytes = file.bytes.slice()
      bytes.fill(0, at)
      const content = readJournal([{ ...file, bytes }], OWNER)
      const isWhole = beginnings.some((beginning) => Buffer.compare(beginning, bytes) === 0)
      expect(content.verdict, `zeros from ${at}`).toBe(isWhole ? 'clean' : 'torn')
      expectBeginning(content, file.records)
    }
  })

  it('with every single bit flipped is damaged, or torn where only the last record or the zeros after it are hit', () => {
    for (let at = 0; at < end + 128; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const bytes = file.bytes.slice()
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
        const content = readJournal([{ ...file, bytes }], OWNER)
        expect(content.verdict, `bit ${bit} of byte ${at}`).toBe(at < lastStart ? 'damaged' : 'torn')
        expectBeginning(content, file.records)
        expect(recordsOf(content).length).toBeLessThanOrEqual(at < end ? file.records.length - 1 : file.records.length)
      }
    }
  })

  it('under random damage never yields a record that was not written', () => {
    const damage = fc.record({
      at: fc.integer({ min: 0, max: end + 100 }),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 80 })
    })
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 4 }), (damages) => {
        const bytes = file.bytes.slice()
        for (const { at, bytes: garbage } of damages) bytes.set(garbage, at)
        fc.pre(Buffer.compare(bytes, file.bytes) !== 0)
        const content = readJournal([{ ...file, bytes }], OWNER)
        expect(content.verdict).not.toBe('clean')
        expectBeginning(content, file.records)
      }),
      { numRuns: 300 }
    )
  })

  it('of another owner, or under another name, is damage', () => {
    expect(readJournal([file], new Uint8Array(32)).verdict).toBe('damaged')
    expect(readJournal([{ ...file, firstSequence: 2 }], OWNER).verdict).toBe('damaged')
  })

  it('of a later format is named and not read', () => {
    const bytes = file.bytes.slice()
    new DataView(bytes.buffer).setUint16(8, 2)
    new DataView(bytes.buffer).setUint32(92, crc32(bytes.subarray(0, 92)))
    expect(readJournal([{ ...file, bytes }], OWNER).version).toBe(2)
  })

  it('with intact records of an older run behind its end is damage', () => {
    const bytes = file.bytes.slice()
    bytes.set(file.bytes.subarray(HEADER_BYTES, file.ends[0]), end + 8)
    expect(readJournal([{ ...file, bytes }], OWNER).verdict).toBe('damaged')
  })
})

describe('several files', () => {
  const first = build(1, NO_CHAIN, payloads)
  const second = build(5, first.chain, payloads)
  const third = build(9, second.chain, payloads)
  const all = [...first.records, ...second.records, ...third.records]

  it('are read as one', () => {
    const content = readJournal([first, second, third], OWNER)
    expect(content.verdict).toBe('clean')
    expect(plain(recordsOf(content))).toEqual(plain(all))
  })
  it('may begin late, and are absent where there are none', () => {
    expect(readJournal([second, third], OWNER).verdict).toBe('clean')
    expect(readJournal([], OWNER).verdict).toBe('absent')
  })
  it('are damaged where one is missing between, foreign, cut or torn', () => {
    const foreign = build(5, new Uint8Array(32).fill(1), payloads)
    const cut = { ...second, bytes: second.bytes.slice(0, second.ends[2]) }
    const tornBytes = second.bytes.slice()
    tornBytes[(second.ends[3] ?? 0) - 1] = 1
    const torn = { ...second, bytes: tornBytes }
    for (const files of [
      [first, third],
      [first, foreign, third],
      [first, cut, third],
      [first, torn, third]
    ]) {
      const content = readJournal(files, OWNER)
      expect(content.verdict).toBe('damaged')
      expectBeginning(content, all)
    }
    expect(readJournal([first, second, { ...third, bytes: third.bytes.slice(0, -1) }], OWNER).verdict).toBe('torn')
  })
})
