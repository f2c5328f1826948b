import {
  asArray,
  asBoolean,
  asBytes,
  asText,
  asUint,
  type CborValue,
  CodecError,
  decode,
  encode,
  optional
} from '@brume/codec'
import type { Event, Json } from '../../logic/port.ts'
import type { CellStatus, Durability, Mailbox, Supervise } from '../port.ts'
import { STORED_BYTES_MAX, STORED_DEPTH_MAX } from './limits.ts'
import type { Resume, StoredActor, StoredChild, StoredOptions, StoredTimer } from './port.ts'

const VERSION = 1
/** One that failed has one more, why: others are spared its byte. */
const FIELDS = { min: 18, max: 19 }
const TEXT_BYTES_MAX = 4_096
const LIST_MAX = 1_000_000
const ANY = { min: 0, max: LIST_MAX }

const STATUSES: readonly CellStatus[] = [
  'starting',
  'active',
  'backoff',
  'passivating',
  'passive',
  'moving',
  'done',
  'failed',
  'damaged',
  'unmigrated',
  'stopped'
]
const DURABILITIES: readonly Durability[] = ['memory', 'snapshot', 'journal']
const RESUMES: readonly Resume[] = ['deadline', 'remaining', 'restart']
const STRATEGIES: readonly Supervise['strategy'][] = ['escalate', 'resume', 'restart', 'stop']
const OVERFLOWS: readonly NonNullable<Mailbox['overflow']>[] = ['reject', 'dropNewest', 'dropOldest', 'block']

/** What is stored is read with wide bounds: bytes of this peer's own, checked by the store, decoded strictly all the same. */
export const STORED_LIMITS = {
  bytesMax: STORED_BYTES_MAX,
  // An item is a byte at least: memory is bounded by the bytes alone.
  itemsMax: STORED_BYTES_MAX,
  depthMax: STORED_DEPTH_MAX,
  floats: true
} as const

/** Canonical CBOR, floats allowed: users' values have them. @throws CodecError for what is not plain */
export const encodeStored = (value: Json): Uint8Array => encode(value as CborValue, { floats: true })

/** @throws CodecError */
export const decodeStored = (bytes: Uint8Array): CborValue => decode(bytes, STORED_LIMITS)

/**
 * `[1, address, kind, logicId, version, incarnation, seq, status, state, children, timers, watching, restarts, outNext,
 * parent, createdMs, wake, options, failure?]`. The state lies in it as bytes of its own: who needs but the head reads no more.
 */
export function encodeRecord(actor: StoredActor): Uint8Array {
  return encodeStored([
    VERSION,
    actor.address,
    actor.kind,
    actor.logicId,
    actor.version,
    actor.incarnation,
    actor.seq,
    STATUSES.indexOf(actor.status),
    encodeStored(actor.state),
    actor.children.map((child) => [
      child.id,
      child.src,
      child.incarnation,
      child.input,
      child.syncSnapshot,
      child.systemId
    ]),
    actor.timers.map((timer) => [timer.id, Math.ceil(timer.dueMs), Math.ceil(timer.delayMs), timer.event, timer.to]),
    actor.watching,
    actor.restarts,
    actor.outNext,
    actor.parent === null ? null : [actor.parent.path, actor.parent.id, actor.parent.src],
    Math.floor(actor.createdMs),
    actor.wake,
    writeOptions(actor.options),
    ...(actor.failure === null ? [] : [actor.failure])
  ])
}

/** @throws CodecError: undecodable, of another version, or a field that is not what it must be */
export function decodeRecord(bytes: Uint8Array): StoredActor {
  const at = asArray(decodeStored(bytes), 'record', FIELDS)
  asUint(at[0], 'record version', VERSION, VERSION)
  return {
    address: asText(at[1], 'address', TEXT_BYTES_MAX),
    kind: asText(at[2], 'kind', TEXT_BYTES_MAX),
    logicId: asBytes(at[3], 'logic id', { min: 0, max: 64 }),
    version: asUint(at[4], 'version'),
    incarnation: asUint(at[5], 'incarnation'),
    seq: asUint(at[6], 'seq'),
    status: oneOf(STATUSES, at[7], 'status'),
    state: toJson(decodeStored(asBytes(at[8], 'state', { min: 1, max: STORED_BYTES_MAX }))),
    children: asArray(at[9], 'children', ANY).map(readChild),
    timers: asArray(at[10], 'timers', ANY).map(readTimer),
    watching: asArray(at[11], 'watching', ANY).map((target) => asText(target, 'watched', TEXT_BYTES_MAX)),
    restarts: asUint(at[12], 'restarts'),
    outNext: asUint(at[13], 'outbox number'),
    parent: optional(at[14], readParent),
    createdMs: asUint(at[15], 'creation'),
    wake: asBoolean(at[16], 'wake'),
    options: readOptions(at[17]),
    failure: optional(at[18] ?? null, (text) => asText(text, 'failure', TEXT_BYTES_MAX))
  }
}

function readChild(value: CborValue): StoredChild {
  const at = asArray(value, 'child', 6)
  return {
    id: asText(at[0], 'child id', TEXT_BYTES_MAX),
    src: asText(at[1], 'child src', TEXT_BYTES_MAX),
    incarnation: asUint(at[2], 'child incarnation'),
    input: toJson(at[3]),
    syncSnapshot: asBoolean(at[4], 'child syncSnapshot'),
    systemId: optional(at[5], (text) => asText(text, 'child systemId', TEXT_BYTES_MAX))
  }
}

function readTimer(value: CborValue): StoredTimer {
  const at = asArray(value, 'timer', 5)
  return {
    id: asText(at[0], 'timer id', TEXT_BYTES_MAX),
    dueMs: asUint(at[1], 'timer due'),
    delayMs: asUint(at[2], 'timer delay'),
    event: asEvent(at[3]),
    to: optional(at[4], (text) => asText(text, 'timer target', TEXT_BYTES_MAX))
  }
}

function readParent(value: CborValue | undefined): NonNullable<StoredActor['parent']> {
  const at = asArray(value, 'parent', 3)
  return {
    path: asText(at[0], 'parent path', TEXT_BYTES_MAX),
    id: asText(at[1], 'id below the parent', TEXT_BYTES_MAX),
    src: asText(at[2], 'src below the parent', TEXT_BYTES_MAX)
  }
}

/** As it lies in a record, and as a peer is told what to spawn. */
export function writeOptions(options: StoredOptions): Json {
  const { mailbox, supervise } = options
  return [
    DURABILITIES.indexOf(options.durability),
    options.input,
    mailbox && [mailbox.max ?? null, mailbox.overflow === undefined ? null : OVERFLOWS.indexOf(mailbox.overflow)],
    supervise && [STRATEGIES.indexOf(supervise.strategy), supervise.max ?? null, supervise.withinMs ?? null],
    options.passivateMs,
    options.allow,
    RESUMES.indexOf(options.resume),
    options.keepAll
  ]
}

/** @throws CodecError */
export function readOptions(value: CborValue | undefined): StoredOptions {
  const at = asArray(value, 'options', 8)
  return {
    durability: oneOf(DURABILITIES, at[0], 'durability'),
    input: toJson(at[1]),
    mailbox: optional(at[2], readMailbox),
    supervise: optional(at[3], readSupervise),
    passivateMs: optional(at[4], (ms) => asUint(ms, 'passivateMs')),
    allow: toJson(at[5]),
    resume: oneOf(RESUMES, at[6], 'resume'),
    keepAll: asBoolean(at[7], 'keep')
  }
}

function readMailbox(value: CborValue | undefined): Mailbox {
  const at = asArray(value, 'mailbox', 2)
  const max = optional(at[0], (most) => asUint(most, 'mailbox max'))
  const overflow = optional(at[1], (name) => oneOf(OVERFLOWS, name, 'overflow'))
  return { ...(max !== null && { max }), ...(overflow !== null && { overflow }) }
}

function readSupervise(value: CborValue | undefined): Supervise {
  const at = asArray(value, 'supervise', 3)
  const max = optional(at[1], (most) => asUint(most, 'failures'))
  const withinMs = optional(at[2], (ms) => asUint(ms, 'failures within'))
  return {
    strategy: oneOf(STRATEGIES, at[0], 'strategy'),
    ...(max !== null && { max }),
    ...(withinMs !== null && { withinMs })
  }
}

/** Names are stored by their place in a list: only ever append to one. */
function oneOf<T>(names: readonly T[], value: CborValue | undefined, what: string): T {
  return names[asUint(value, what, names.length - 1)] as T
}

/** Any value of CBOR's but a map with integer keys, which no plain value becomes. @throws CodecError */
export function toJson(value: CborValue | undefined): Json {
  assertJson(value)
  return value
}

function assertJson(value: CborValue | undefined): asserts value is Json {
  if (value instanceof Map) throw new CodecError('BRUME_CODEC_SHAPE', 'expected text for keys')
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return
  for (const item of Array.isArray(value) ? value : Object.values(value)) assertJson(item)
}

/** @throws CodecError */
export function asEvent(value: CborValue | undefined): Event {
  const event = toJson(value)
  const isEvent = typeof event === 'object' && event !== null && 'type' in event && typeof event.type === 'string'
  if (!isEvent) throw new CodecError('BRUME_CODEC_SHAPE', 'expected an event')
  return event as Event
}
