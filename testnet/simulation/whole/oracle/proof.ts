import { createHash } from 'node:crypto'
import { asArray, asBytes, asUint, type CborValue, decode, encode } from '@brume/codec'
import { verify } from '@brume/crypto'
import { FINALIZE, hash, u64 } from '../../../checkers/statement.ts'

/** Fields of a header (quorum.md 4). */
const HEADER = { epoch: 2, view: 3, height: 4, parentView: 5, parent: 6, next: 11 } as const
const ATTEST = 6
const BYTES_MAX = 2_097_152

interface Electorate {
  readonly epoch: number
  readonly committeeHash: Buffer
  readonly keys: readonly Uint8Array[]
  readonly weights: readonly number[]
}

interface Header {
  readonly epoch: number
  readonly view: number
  readonly height: number
  readonly parentView: number
  readonly parent: string
  readonly next: Uint8Array | null
  readonly digest: string
}

/** What a bundle shows, to somebody who has the manifest and believes nobody. */
export interface Shown {
  readonly height: number
  readonly digest: string
  /** SHA-256 of what more than F attested, hex; null where nothing is attested. */
  readonly statement: string | null
  /** The leaf that was shown, as text. */
  readonly leaf: string | null
}

/**
 * Bundles read by the letter of quorum.md 3, 10 and 12: nothing of protocols/quorum, packages/consensus or
 * actors/quorum has a part in it.
 */
export class Proofs {
  readonly #groupId: Buffer
  readonly #founders: Electorate
  readonly #domain: string
  /** Certificates that held, so that a chain of closings is checked once. */
  readonly #known = new Set<string>()

  constructor(manifest: Uint8Array, domain: string) {
    const members = asArray(decode(manifest, { bytesMax: 65_536, itemsMax: 4_096 }), 'manifest', 9)[7] ?? null
    this.#groupId = hash('brume/group/1', manifest)
    this.#domain = domain
    this.#founders = this.#electorate(0, members)
  }

  /** @throws Error that says what is not shown */
  read(bundle: Uint8Array): Shown {
    const [, closings, headers, finalization, proof] = listOf(bundle, 5)
    let electorate = this.#founders
    for (const closing of asArray(closings ?? null, 'closings', { min: 0, max: 64 })) {
      electorate = this.#succeed(electorate, asArray(closing, 'closing', 3))
    }
    const chain = asArray(headers ?? null, 'headers', { min: 1, max: 64 }).map((bytes) => this.#header(bytes))
    this.#certified(electorate, chain[0] as Header, finalization ?? null)
    chain.slice(1).forEach((header, i) => {
      const child = chain[i]
      require(child?.parent === header.digest && child.height === header.height + 1, 'headers that are no chain')
    })
    const { height, digest, view } = chain.at(-1) as Header
    if (proof === null || proof === undefined) return { height, digest, statement: null, leaf: null }
    return { height, digest, ...this.#proven(electorate, view, digest, asArray(proof, 'proof', { min: 6, max: 7 })) }
  }

  #electorate(epoch: number, members: CborValue): Electorate {
    const rows = asArray(members, 'members', { min: 1, max: 100 }).map((row) => asArray(row, 'member', 7))
    return {
      epoch,
      committeeHash: hash('brume/quorum-committee/1', encode([1, this.#groupId, members])),
      keys: rows.map((row) => asBytes(row[1] ?? null, 'key', 32)),
      weights: rows.map((row) => asUint(row[3] ?? null, 'weight', 1_000))
    }
  }

  #header(value: CborValue | undefined): Header {
    const bytes = asBytes(value ?? null, 'header', { min: 1, max: 512 })
    const fields = listOf(bytes, 13)
    const [epoch = 0, view = 0, height = 0, parentView = 0] = [
      HEADER.epoch,
      HEADER.view,
      HEADER.height,
      HEADER.parentView
    ].map((place) => asUint(fields[place] ?? null, 'header'))
    require(this.#groupId.equals(asBytes(fields[1] ?? null, 'groupId', 32)), 'a block of another group')
    const next = fields[HEADER.next] ?? null
    return {
      ...{ epoch, view, height, parentView },
      parent: Buffer.from(asBytes(fields[HEADER.parent] ?? null, 'parent', 32)).toString('hex'),
      next: next === null ? null : asBytes(next, 'next', 32),
      digest: hash('brume/quorum-block/1', bytes).toString('hex')
    }
  }

  #succeed(before: Electorate, [header, finalization, committee]: readonly CborValue[]): Electorate {
    const closing = this.#header(header)
    this.#certified(before, closing, finalization ?? null)
    const { next } = closing
    if (next === null) throw new Error('a closing that closes nothing')
    if (committee === null || committee === undefined) {
      require(before.committeeHash.equals(next), 'a committee that is not given')
      return { ...before, epoch: before.epoch + 1 }
    }
    const bytes = asBytes(committee, 'committee', { min: 1, max: 65_536 })
    const members = listOf(bytes, 3)[2] ?? null
    const after = this.#electorate(before.epoch + 1, members)
    require(after.committeeHash.equals(next), 'another committee than the closing names')
    return after
  }

  /** More than two thirds of the weight signed that this block is final. */
  #certified(electorate: Electorate, header: Header, certificate: CborValue): void {
    const bytes = asBytes(certificate, 'certificate', { min: 1, max: 8_192 })
    const [kind, epoch, view, parentView, digest, bitmap, signatures] = listOf(bytes, 7)
    const names =
      kind === FINALIZE && epoch === header.epoch && view === header.view && parentView === header.parentView
    require(names && header.epoch === electorate.epoch, 'a certificate of something else')
    const tail = Buffer.concat([u64(header.parentView), asBytes(digest ?? null, 'digest', 32)])
    require(tail.subarray(8).toString('hex') === header.digest, 'a certificate of another block')
    const place = Buffer.concat([u64(header.epoch), electorate.committeeHash, u64(header.view)])
    const message = Buffer.concat([Buffer.from('brume/quorum-finalize/1\0'), this.#groupId, place, tail])
    const weight = this.#signedBy(electorate, message, bitmap ?? null, signatures ?? null)
    const total = electorate.weights.reduce((sum, one) => sum + one, 0)
    require(3 * weight > 2 * total, `a finalization of weight ${weight} of ${total}`)
  }

  #proven(electorate: Electorate, view: number, block: string, fields: readonly CborValue[]) {
    if (fields[0] !== ATTEST) return { statement: null, leaf: leafOf(fields[2]) }
    const statement = asBytes(fields[1] ?? null, 'statement', { min: 1, max: 1_024 })
    require(Buffer.from(statement).toString('hex').includes(block), 'a statement that does not name the block')
    const certificate = asBytes(fields[2] ?? null, 'certificate', { min: 1, max: 8_192 })
    const [, epoch, at, digest, bitmap, signatures] = listOf(certificate, 6)
    const said = createHash('sha256').update(statement).digest()
    const names = epoch === electorate.epoch && at === view && said.equals(asBytes(digest ?? null, 'digest', 32))
    require(names, 'an attestation of something else')
    const message = Buffer.concat([Buffer.from(`${this.#domain}\0`), said])
    const weight = this.#signedBy(electorate, message, bitmap ?? null, signatures ?? null)
    const total = electorate.weights.reduce((sum, one) => sum + one, 0)
    require(3 * weight >= total, `an attestation of weight ${weight} of ${total}, which may all lie`)
    return { statement: said.toString('hex'), leaf: leafOf(fields[3]) }
  }

  /** Weight of those whose signatures hold; all of them must. */
  #signedBy({ keys, weights }: Electorate, message: Buffer, bitmap: CborValue, signatures: CborValue): number {
    const bits = asBytes(bitmap, 'bitmap', { min: 1, max: 13 })
    const signers = keys.flatMap((_, i) => (((bits[i >> 3] ?? 0) >> (i & 7)) & 1 ? [i] : []))
    const all = Buffer.from(asBytes(signatures, 'signatures', { min: 64, max: 6_400 }))
    require(all.length === 64 * signers.length, 'signatures of nobody')
    const name = createHash('sha256').update(message).update(bits).update(all).digest('hex')
    const holds = (signer: number, i: number) =>
      verify(keys[signer] ?? new Uint8Array(32), message, all.subarray(64 * i, 64 * (i + 1)))
    require(this.#known.has(name) || signers.every(holds), 'a signature that does not hold')
    this.#known.add(name)
    return signers.reduce((sum, signer) => sum + (weights[signer] ?? 0), 0)
  }
}

function listOf(bytes: Uint8Array, length: number): readonly CborValue[] {
  return asArray(decode(bytes, { bytesMax: BYTES_MAX, itemsMax: 4_096 }), 'list', length)
}

/** A leaf is `[path, value]`. */
function leafOf(value: CborValue | undefined): string {
  const [, text] = listOf(asBytes(value ?? null, 'leaf', { min: 1, max: 4_096 }), 2)
  return Buffer.from(asBytes(text ?? null, 'value', { min: 0, max: 4_096 })).toString()
}

function require(holds: boolean, what: string): void {
  if (!holds) throw new Error(what)
}
