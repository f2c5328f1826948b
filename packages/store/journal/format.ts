/** The journal as bytes: what a simulator or a checker needs of it, all of it pure. */
export { type Finding, inspect } from './inspect.ts'
export {
  chainOf,
  encodeHeader,
  encodeRecord,
  HEADER_BYTES,
  NO_CHAIN,
  RECORD_HEADER_BYTES,
  recordBytes,
  SEGMENT_BYTES_MIN
} from './layout.ts'
export type { Mark } from './mark.ts'
export { readJournal, type SegmentFile, tailOf } from './reader.ts'
