import {
  asArray,
  asBytes,
  asText,
  asUint,
  type CborValue,
  CodecError,
  concat,
  decode,
  encode,
  optional
} from '@brume/codec'
import type { Json, Status } from '../logic/port.ts'

export type { Json } from '../logic/port.ts'

/** Of a leaf of 4 KiB, path and head taken off. */
export const PART_BYTES_MAX = 3_500

/** An answer is one leaf: what is left of its 4 KiB beside the path, the id and the status. */
export const ANSWER_VALUE_BYTES_MAX = 3_840

const LEAF_BYTES_MAX = 4_096
const PATH_BYTES_MAX = 512
/** State of at most 256 KiB. */
const ITEM_BYTES_MAX = 262_144
export const STATE_LIMITS = { bytesMax: ITEM_BYTES_MAX, depthMax: 40, itemsMax: 30_000 } as const

/** What became of a command; 1 and 3 to 6 leave the state as it was. */
export const OUTCOME = {
  ok: 0,
  /** Refused at the boundary: the value says by which check. */
  refused: 1,
  /** No transition takes this event in this state. */
  unhandled: 2,
  threw: 3,
  iterations: 4,
  /** Context, reply or sends are not plain, no integers, or too large. */
  unfit: 5,
  moved: 6
} as const

export type OutcomeName = keyof typeof OUTCOME

/** What a client is told, attested. */
export interface Answer {
  /** Of the command, lower-case hex. */
  readonly id: string
  readonly outcome: OutcomeName
  /** Of `ok`: what the machine replied, or the selector answered; of the others, a word that says why. */
  readonly value: Json
}

/** A machine's state as its leaves say it. */
export interface ReplicaSnapshot {
  /** `error` of a machine that could not be started. */
  readonly status: Status
  readonly value: Json
  readonly context: Json
  /** Empty, or of a machine that is done: its output. */
  readonly output: readonly [] | readonly [Json]
  readonly tags: readonly string[]
  /** Takes no more events. */
  readonly frozen: boolean
  /** The address that goes on from here, where it is known already. */
  readonly successor: string | null
}

const STATUSES: readonly Status[] = ['active', 'done', 'error', 'stopped']
const OUTCOMES = Object.keys(OUTCOME) as readonly OutcomeName[]

/** Paths under which the leaves of a whole snapshot lie. */
export const SNAPSHOT_PATHS = ['status*', 'value*', 'context/*'] as const

/** Paths of keys that were asked for: machines have few, and ask for them in every step. */
const contextPaths = new Map<string, string>()
const CONTEXT_PATHS_MAX = 4_096

/** Where a key of the context lies; keys may have any characters. */
export function contextPath(key: string): string {
  const known = contextPaths.get(key)
  if (known !== undefined) return known
  const path = `context/${pathSegment(key)}`
  if (contextPaths.size >= CONTEXT_PATHS_MAX) contextPaths.clear()
  contextPaths.set(key, path)
  return path
}

/** Where the value of a selector without arguments lies. */
export const selectPath = (name: string): string => `select/${pathSegment(name)}`

/** Asks a selector with arguments of one member, without proof: a path to read. */
export function queryPath(name: string, args: Json): string {
  return `query/${pathSegment(name)}/${Buffer.from(encode(args)).toString('base64url')}`
}

/** @throws CodecError, URIError for what `queryPath` did not write */
export function readQueryPath(path: string): { readonly name: string; readonly args: Json } {
  const [, name, args] = path.split('/')
  const bytes = Buffer.from(args ?? '', 'base64url')
  return { name: decodeURIComponent(name ?? ''), args: jsonOf(decode(new Uint8Array(bytes), { bytesMax: 512 })) }
}

/** No `/` and no `*`, which paths give a meaning of their own. */
function pathSegment(name: string): string {
  return encodeURIComponent(name).replaceAll('*', '%2A')
}

/** `[part 0 under the path itself, part 1 under <path>/1, ...]` of 3,500 bytes. */
export function partsOf(value: Json): readonly Uint8Array[] {
  const bytes = encode(value)
  const parts = [bytes.subarray(0, PART_BYTES_MAX)]
  for (let at = PART_BYTES_MAX; at < bytes.length; at += PART_BYTES_MAX) {
    parts.push(bytes.subarray(at, at + PART_BYTES_MAX))
  }
  return parts
}

export const partPath = (path: string, part: number): string => (part === 0 ? path : `${path}/${part}`)

/** A leaf as members hash it: `[path, bytes]`, canonical CBOR. @throws CodecError */
export function readLeaf(leaf: Uint8Array): { readonly path: string; readonly bytes: Uint8Array } {
  const [path, bytes] = asArray(decode(leaf, { bytesMax: LEAF_BYTES_MAX, itemsMax: 4 }), 'leaf', 2)
  return {
    path: asText(path, 'path', PATH_BYTES_MAX),
    bytes: asBytes(bytes, 'leaf', { min: 0, max: LEAF_BYTES_MAX })
  }
}

/** Values by path, put together from their parts. */
export class Items {
  readonly #bytes: ReadonlyMap<string, Uint8Array>

  /** @param leaves - paths with bytes, in any order */
  constructor(leaves: Iterable<readonly [path: string, bytes: Uint8Array]>) {
    this.#bytes = new Map(leaves)
  }

  /** @throws CodecError where a part is missing or the whole is no value; undefined where there is none of it */
  get(path: string): Json | undefined {
    const first = this.#bytes.get(path)
    if (first === undefined) return undefined
    const parts = [first]
    for (let part = 1; parts.at(-1)?.length === PART_BYTES_MAX; part++) {
      const next = this.#bytes.get(partPath(path, part))
      if (next === undefined) break
      parts.push(next)
    }
    return jsonOf(decode(concat(...parts), STATE_LIMITS))
  }

  require(path: string): Json {
    const value = this.get(path)
    if (value === undefined) throw new CodecError('BRUME_CODEC_SHAPE', `the leaf ${path} is missing`)
    return value
  }
}

/** `[status, frozen, successor, keys of the context, [] or [output], tags]`: the keys, so that none can be left out of a snapshot. */
export function statusField(
  snapshot: Omit<ReplicaSnapshot, 'value' | 'context'> & { readonly keys: readonly string[] }
): Json {
  const { status, frozen, successor, keys, output, tags } = snapshot
  return [STATUSES.indexOf(status), frozen, successor, [...keys].sort(), output, [...tags].sort()]
}

/**
 * A snapshot from the leaves at `SNAPSHOT_PATHS`.
 *
 * @throws CodecError where they are not those of one whole state
 */
export function snapshotOf(items: Items): ReplicaSnapshot {
  const fields = asArray(items.require('status') as CborValue, 'status', 6)
  const [status, frozen, successor, keys, output, tags] = fields
  const names = asArray(keys, 'keys', { min: 0, max: STATE_LIMITS.itemsMax }).map((key) => asText(key, 'key', 4_096))
  const context: { [key: string]: Json } = {}
  for (const name of names) context[name] = items.require(contextPath(name))
  return {
    status: STATUSES[asUint(status, 'status', STATUSES.length - 1)] ?? 'error',
    frozen: frozen === true,
    successor: optional(successor, (address) => asText(address, 'successor', PATH_BYTES_MAX)),
    tags: asArray(tags, 'tags', { min: 0, max: STATE_LIMITS.itemsMax }).map((tag) => asText(tag, 'tag', 4_096)),
    value: items.require('value'),
    context,
    output: asArray(output, 'output', { min: 0, max: 1 }).map(jsonOf) as readonly Json[] as ReplicaSnapshot['output']
  }
}

/** `[0, command id 32, status, value]`, canonical CBOR. */
export function encodeAnswer({ id, outcome, value }: Answer): Uint8Array {
  return encode([0, Buffer.from(id, 'hex'), OUTCOME[outcome], value])
}

/** @throws CodecError */
export function decodeAnswer(bytes: Uint8Array): Answer {
  const [kind, id, status, value = null] = asArray(decode(bytes, STATE_LIMITS), 'answer', 4)
  asUint(kind, 'kind', 0)
  return {
    id: Buffer.from(asBytes(id, 'id', 32)).toString('hex'),
    outcome: OUTCOMES[asUint(status, 'status', OUTCOMES.length - 1)] ?? 'threw',
    value: jsonOf(value)
  }
}

/** An event for an actor that is no member, as its leaf says it. */
export interface Sent {
  readonly seq: number
  readonly prev: number
  readonly to: string
  readonly event: Json
}

/** `send/<seq>`: under `told/`, for as long as its block can be proven. */
export const sendName = (seq: number): string => `send/${seq}`

/** Where the leaf of a send is read. */
export const sendPath = (seq: number): string => `told/${sendName(seq)}`

/** `emit/<height>/<place>`: under `told/`, as long as sends. */
export const emittedName = (height: number, place: number): string => `emit/${height}/${String(place).padStart(5, '0')}`

/** All that a block has emitted, in order. */
export const emittedPaths = (height: number): string => `told/emit/${height}/*`

/** `[1, seq, prev, target, event]`, canonical CBOR. */
export function encodeSend({ seq, prev, to, event }: Sent): Uint8Array {
  return encode([1, seq, prev, to, event])
}

/** @throws CodecError */
export function decodeSend(bytes: Uint8Array): Sent {
  const [version, seq, prev, to, event = null] = asArray(decode(bytes, STATE_LIMITS), 'send', 5)
  asUint(version, 'version', 1, 1)
  const number = asUint(seq, 'seq')
  return {
    seq: number,
    prev: asUint(prev, 'prev', number - 1),
    to: asText(to, 'target', PATH_BYTES_MAX),
    event: jsonOf(event)
  }
}

/** What this codec reads where no maps with integer keys are used. @throws CodecError for such a map */
export function jsonOf(value: CborValue): Json {
  if (value instanceof Map) throw new CodecError('BRUME_CODEC_SHAPE', 'a map with integer keys is no plain value')
  if (Array.isArray(value)) return value.map((item: CborValue) => jsonOf(item))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value as Json
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, jsonOf(item as CborValue)]))
}
