import { asArray, asBytes, asText, asUint, concat, decode, encode, toHex, utf8 } from '@brume/codec'
import type { Store, StoreOperation } from '@brume/ports'
import { actorId } from '../address.ts'
import { decodeBatch, encodeBatch } from './log.ts'
import type { Change, Position } from './port.ts'

const ADDRESS_BYTES_MAX = 512
const LIMITS = { bytesMax: 4_096, itemsMax: 8, depthMax: 2 }

const marks = (store: Store): Store => store.sub(MARKS)
const MARKS = 'm/'

/** What copies are on this disk, and how far they are. @throws CodecError, StoreError */
export async function readCopies(store: Store): Promise<readonly (readonly [address: string, position: Position])[]> {
  const found: (readonly [string, Position])[] = []
  for await (const [, value] of marks(store).entries()) {
    const at = asArray(decode(value, LIMITS), 'mark', 4)
    const position = {
      epoch: asUint(at[1], 'epoch'),
      seq: asUint(at[2], 'seq'),
      hash: asBytes(at[3], 'hash', 32)
    }
    found.push([asText(at[0], 'address', ADDRESS_BYTES_MAX), position])
  }
  return found
}

/**
 * One actor's part of a peer's store: `d/<id>/` holds what its kernel wrote, here or at the holder, `m/` how far that is,
 * both in one batch. Changes are made one after the other.
 */
export class CopyDisk {
  /** As the kernel sees it. */
  readonly data: Store
  readonly #store: Store
  readonly #address: string
  readonly #id: Uint8Array
  readonly #prefix: Uint8Array
  #last: Promise<void> = Promise.resolve()
  #position: Position | undefined

  constructor(store: Store, address: string) {
    this.#store = store
    this.#address = address
    this.#id = actorId(address)
    const prefix = `d/${toHex(this.#id)}/`
    this.#prefix = utf8(prefix)
    this.data = store.sub(prefix)
  }

  /** @throws StoreError, CodecError */
  write({ kind, batch, position }: Change): Promise<void> {
    return this.#then(async () => {
      const cleared = kind === 'base' ? await this.#keys() : []
      await this.#store.batch([...cleared, ...this.#own(decodeBatch(batch)), this.#mark(position)], { sync: true })
      this.#position = position
    })
  }

  /** All there is, and how far that is. */
  read(): Promise<{ readonly position: Position; readonly base: Uint8Array } | undefined> {
    return this.#then(async () => {
      const operations: StoreOperation[] = []
      for await (const [key, value] of this.data.entries()) operations.push({ type: 'put', key, value })
      return this.#position && { position: this.#position, base: encodeBatch(operations) }
    })
  }

  discard(): Promise<void> {
    return this.#then(async () => {
      const mark: StoreOperation = { type: 'del', key: this.#markKey() }
      await this.#store.batch([...(await this.#keys()), mark], { sync: true })
      this.#position = undefined
    })
  }

  /** As it was found. */
  found(position: Position): void {
    this.#position = position
  }

  #then<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#last.then(run)
    this.#last = done.then(
      () => undefined,
      () => undefined
    )
    return done
  }

  async #keys(): Promise<StoreOperation[]> {
    const cleared: StoreOperation[] = []
    for await (const [key] of this.data.entries()) cleared.push({ type: 'del', key: concat(this.#prefix, key) })
    return cleared
  }

  #own(operations: readonly StoreOperation[]): readonly StoreOperation[] {
    return operations.map((operation) => ({ ...operation, key: concat(this.#prefix, operation.key) }))
  }

  #markKey(): Uint8Array {
    return concat(utf8(MARKS), this.#id)
  }

  #mark({ epoch, seq, hash }: Position): StoreOperation {
    return { type: 'put', key: this.#markKey(), value: encode([this.#address, epoch, seq, hash]) }
  }
}
