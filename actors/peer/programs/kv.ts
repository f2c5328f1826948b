import { type Block, type LeafOutcome, LeafProgram, type LeafState } from '@brume/actors/quorum'
import { asArray, asBytes, asText, decode, encode, utf8 } from '@brume/codec'
import type { Store } from '@brume/ports'
import { decodeCall } from '@brume/protocols/quorum'

/** Of what members attest of its blocks. */
export const KV_DOMAIN = 'brume/kv-attest/1'

/** With its path a leaf, of which 4 KiB are kept. */
const VALUE_BYTES_MAX = 3_072
const KEY_BYTES_MAX = 256

/** Sets a value, or, where it is null, removes it. */
export interface KvCommand {
  /** 1 to 256 bytes of UTF-8. */
  readonly key: string
  /** At most 3 KiB. */
  readonly value: Uint8Array | null
}

/** `[key, value | null]`, canonical CBOR. */
export function encodeKv({ key, value }: KvCommand): Uint8Array {
  return encode([key, value])
}

/** Where a value lies: `kv/<key>`. */
export const kvPath = (key: string): string => `kv/${key}`

/** Keys and values that a group agrees on; whoever the group admits may write all of them. */
export function createKv(store: Store): LeafProgram {
  return new LeafProgram({ domain: KV_DOMAIN, accepts, execute, store })
}

function accepts(body: Uint8Array): boolean {
  const { key } = readKv(body)
  return key !== '' && !key.includes('*')
}

function execute(_: LeafState, { commands }: Block): LeafOutcome {
  const written = commands.map(({ id, bytes }) => ({ id, ...readKv(decodeCall(bytes).body) }))
  return {
    changes: written.map(({ key, value }) => [kvPath(key), value] as const),
    answers: written.map(({ id, value }) => [id, utf8(value === null ? 'removed' : 'set')] as const)
  }
}

function readKv(body: Uint8Array): KvCommand {
  const [key, value] = asArray(decode(body, { bytesMax: VALUE_BYTES_MAX + 512, itemsMax: 4 }), 'kv', 2)
  const known = value === null ? null : asBytes(value, 'value', { min: 0, max: VALUE_BYTES_MAX })
  return { key: asText(key, 'key', KEY_BYTES_MAX), value: known }
}
