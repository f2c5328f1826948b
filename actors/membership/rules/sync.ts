import { toHex } from '@brume/codec'
import type { PeerId } from '@brume/ports'
import {
  type Digest,
  FRAME_BYTES_MAX,
  RECORDS_MAX,
  type Records,
  SUMMARIES_MAX,
  type Summaries,
  type Summary,
  WANT_MAX,
  type Want
} from '@brume/protocols/membership'
import { INTRODUCTIONS_MAX, WANTS_PER_ROUND_MAX } from '../limits.ts'
import { blame } from './blame.ts'
import { differingBuckets, type Index, indexOf, summaryOf } from './digest.ts'
import { isBlame, receiveRecord } from './receive.ts'
import { dice, emit, type Turn } from './state.ts'
import type { Entry } from './table.ts'

/** A byte string's head and its place in an array take at most 3 B each. */
const RECORD_HEAD_BYTES = 4
const FRAME_HEAD_BYTES = 16

/** Compares tables with one peer: Digest, Summaries both ways where they differ, Want, Records. */
export function startSync(turn: Turn, peer: PeerId): void {
  emit(turn, { type: 'count.sync', what: 'rounds' })
  emit(turn, { type: 'send', peer, message: { type: 'digest', buckets: currentIndex(turn).digest } })
}

/** The peer of a periodic round: any member that has said Hello. */
export function randomPartner(turn: Turn): PeerId | undefined {
  const candidates = [...turn.state.links]
    .filter(([, link]) => link.helloReceived && link.helloSent)
    .map(([peer]) => peer)
  return candidates[Math.floor(dice(turn) * candidates.length)]
}

export function digestReceived(turn: Turn, from: PeerId, digest: Digest): void {
  const index = currentIndex(turn)
  const differing = differingBuckets(index.digest, digest.buckets)
  if (differing.length > 0) emit(turn, { type: 'send', peer: from, message: summariesOf(index, differing, false) })
}

export function summariesReceived(turn: Turn, from: PeerId, theirs: Summaries): void {
  const index = currentIndex(turn)
  const known = new Map(theirs.entries.map((entry) => [toHex(entry.id16), entry.seq]))
  requestMissing(turn, from, index, theirs.entries)
  if (theirs.answer) return
  const lacking = theirs.buckets.filter((bucket) =>
    index.buckets[bucket]?.some((entry) => entry.record.body.seq > (known.get(entry.idHex) ?? -1))
  )
  if (lacking.length > 0) emit(turn, { type: 'send', peer: from, message: summariesOf(index, lacking, true) })
}

/** At most 64 ids, and no more records than fit the frames they take. */
export function wantReceived(turn: Turn, from: PeerId, want: Want): void {
  const { byId } = currentIndex(turn)
  const found = want.ids.map((id) => byId.get(toHex(id))).filter((entry) => entry !== undefined)
  for (const records of packRecords(found)) {
    emit(turn, { type: 'send', peer: from, message: { type: 'records', records } })
  }
}

/** Records pass the same checks as gossiped ones; the first bad one ends the link. */
export function recordsReceived(turn: Turn, from: PeerId, { records }: Records): void {
  for (const bytes of records) {
    const outcome = receiveRecord(turn, bytes, { from })
    if (isBlame(outcome)) return blame(turn, from, `a record sent in anti-entropy: ${outcome}`)
    if (outcome === 'accepted') emit(turn, { type: 'count.sync', what: 'records' })
  }
}

function currentIndex({ state }: Turn): Index {
  return indexOf(state.table, state.epoch)
}

/** Whole buckets, as many as fit: a bucket half told would look like one half missing. */
function summariesOf(index: Index, buckets: readonly number[], answer: boolean): Summaries {
  const told: number[] = []
  const entries: Summary[] = []
  for (const bucket of buckets) {
    const inside = index.buckets[bucket] ?? []
    if (entries.length + inside.length > SUMMARIES_MAX) break
    told.push(bucket)
    entries.push(...inside.map(summaryOf))
  }
  return { type: 'summaries', buckets: told, entries, answer }
}

/** Asks for what is newer there, and for new identities only as far as this introducer may bring them. */
function requestMissing(turn: Turn, from: PeerId, index: Index, theirs: readonly Summary[]): void {
  let introductions = INTRODUCTIONS_MAX - (turn.state.introductions.get(from) ?? 0)
  const missing: Uint8Array[] = []
  for (const { id16, seq } of theirs) {
    const known = index.byId.get(toHex(id16))
    if (known !== undefined && known.record.body.seq >= seq) continue
    if (known === undefined && --introductions < 0) continue
    if (missing.push(id16) >= WANTS_PER_ROUND_MAX) break
  }
  for (let at = 0; at < missing.length; at += WANT_MAX) {
    emit(turn, { type: 'send', peer: from, message: { type: 'want', ids: missing.slice(at, at + WANT_MAX) } })
  }
}

function packRecords(entries: readonly Entry[]): readonly (readonly Uint8Array[])[] {
  const frames: Uint8Array[][] = []
  let room = 0
  for (const { record } of entries) {
    const cost = record.bytes.length + RECORD_HEAD_BYTES
    const last = frames.at(-1)
    if (last === undefined || cost > room || last.length >= RECORDS_MAX) {
      frames.push([record.bytes])
      room = FRAME_BYTES_MAX - FRAME_HEAD_BYTES - cost
    } else {
      last.push(record.bytes)
      room -= cost
    }
  }
  return frames
}
