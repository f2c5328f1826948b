import { asArray, asBytes, asUint, decode, encode, optional, toHex, Writer } from '@brume/codec'
import type { Store, StoreOperation } from '@brume/ports'
import {
  type CheckpointCertificate,
  decodeCheckpointCertificate,
  encodeCheckpointCertificate,
  RECORD_BYTES_MAX,
  STATEMENT_BYTES_MAX
} from '@brume/protocols/quorum'
import { readable } from '../blocks/damage.ts'

/** A certificate, a header and a record with their frame. */
const KEPT_BYTES_MAX = RECORD_BYTES_MAX + 16_384

/** Checkpoints kept: who is being served from the older one is not cut off by the next. */
const CHECKPOINTS_KEPT = 2

const keptKey = (height: number) => new Writer(9).u8(0x63).u64(height).finish()
const statementKey = (height: number) => new Writer(9).u8(0x61).u64(height).finish()
const KEY_SIGNED = Uint8Array.of(0x67)
const KEY_DUE = Uint8Array.of(0x64)
const END = Number.MAX_SAFE_INTEGER

/** A checkpoint that a quorum signed, with what it binds, but the leaves. */
export interface Kept {
  readonly certificate: CheckpointCertificate
  readonly header: Uint8Array
  readonly record: Uint8Array
  /** Null until the program here came to the same state: only then can its pages be served. */
  readonly leaves: number | null
}

/** What this member said of a block, as it is kept for who asks later. */
export interface StoredStatement {
  readonly epoch: number
  readonly view: number
  readonly height: number
  readonly statement: Uint8Array
}

/** Checkpoints and own statements of one group in its store. */
export class Archive {
  readonly #store: Store

  constructor(store: Store, groupId: Uint8Array) {
    this.#store = store.sub(`quorum/${toHex(groupId)}/`)
  }

  /** Oldest first, as far as they can be read: others have them too. */
  async kept(): Promise<readonly Kept[]> {
    const found: Kept[] = []
    await readable(this.#readKept(found))
    return found
  }

  async #readKept(found: Kept[]): Promise<void> {
    for await (const [, value] of this.#store.entries({ from: keptKey(0), to: keptKey(END) })) {
      found.push(decodeKept(value))
    }
  }

  /** Adds one, or what is newly known of it. Returns those that stay, oldest first. */
  async keep(kept: Kept): Promise<readonly Kept[]> {
    await this.#store.batch([{ type: 'put', key: keptKey(kept.certificate.height), value: encodeKept(kept) }])
    const all = await this.kept()
    const gone = all.slice(0, Math.max(0, all.length - CHECKPOINTS_KEPT))
    await this.#store.batch(gone.map(({ certificate }) => ({ type: 'del', key: keptKey(certificate.height) })))
    return all.slice(gone.length)
  }

  /** The highest checkpoint this key has signed: none at or below it is signed again, whatever a restored program makes of it. */
  async signedTo(): Promise<number> {
    const bytes = await this.#store.get(KEY_SIGNED)
    return bytes === undefined ? 0 : asUint(decode(bytes, { bytesMax: 16 }), 'height')
  }

  setSignedTo(height: number): Promise<void> {
    return this.#store.batch([{ type: 'put', key: KEY_SIGNED, value: encode(height) }], { sync: true })
  }

  /** Group time of the program's next timer, which it tells with executed blocks only. */
  async due(): Promise<number | null> {
    const bytes = await this.#store.get(KEY_DUE)
    return bytes === undefined ? null : optional(decode(bytes, { bytesMax: 16 }), (value) => asUint(value, 'dueMs'))
  }

  setDue(dueMs: number | null): Promise<void> {
    return this.#store.batch([{ type: 'put', key: KEY_DUE, value: encode(dueMs) }])
  }

  /** Oldest first. */
  async statements(): Promise<readonly StoredStatement[]> {
    const found: StoredStatement[] = []
    for await (const [, value] of this.#store.entries({ from: statementKey(0), to: statementKey(END) })) {
      const [epoch, view, height, statement] = asArray(decode(value, { bytesMax: 2 * STATEMENT_BYTES_MAX }), 'own', 4)
      found.push({
        epoch: asUint(epoch, 'epoch'),
        view: asUint(view, 'view'),
        height: asUint(height, 'height'),
        statement: asBytes(statement, 'statement', { min: 0, max: STATEMENT_BYTES_MAX })
      })
    }
    return found
  }

  addStatement({ epoch, view, height, statement }: StoredStatement, gone: readonly number[]): Promise<void> {
    const value = encode([epoch, view, height, statement])
    const operations: StoreOperation[] = [{ type: 'put', key: statementKey(height), value }]
    for (const old of gone) operations.push({ type: 'del', key: statementKey(old) })
    return this.#store.batch(operations)
  }

  /** What was said by a program that went wrong is not said again. */
  dropStatements(heights: readonly number[]): Promise<void> {
    return this.#store.batch(heights.map((height) => ({ type: 'del', key: statementKey(height) })))
  }
}

function encodeKept({ certificate, header, record, leaves }: Kept): Uint8Array {
  return encode([encodeCheckpointCertificate(certificate), header, record, leaves])
}

function decodeKept(bytes: Uint8Array): Kept {
  const [certificate, header, record, leaves] = asArray(decode(bytes, { bytesMax: KEPT_BYTES_MAX }), 'kept', 4)
  return {
    certificate: decodeCheckpointCertificate(asBytes(certificate, 'certificate', { min: 1, max: 8_192 })),
    header: asBytes(header, 'header', { min: 1, max: 512 }),
    record: asBytes(record, 'record', { min: 1, max: RECORD_BYTES_MAX }),
    leaves: optional(leaves, (value) => asUint(value, 'leaves'))
  }
}
