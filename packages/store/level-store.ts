import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Store, StoreOperation, StoreRange, StoreWriteOptions } from '@brume/ports'
import { ClassicLevel } from 'classic-level'
import { openValue, sealValue } from './envelope.ts'
import { StoreError } from './errors.ts'
import { damagedLog } from './write-ahead.ts'

/** Beside LevelDB's own files, which leaves alone what it does not know. */
const DAMAGE_NOTE = 'damaged.txt'

type Level = ClassicLevel<Uint8Array, Uint8Array>

/**
 * Opens, and creates where absent, a LevelDB in `directory`. One process at a time: a second one is
 * refused with `BRUME_STORE_LOCKED`. Every value carries a checksum which every read verifies,
 * because LevelDB returns damaged values without a word; and its log is looked through first, for it drops what is lost there
 * without a word, too. Then the store opens with `damage` set, now and later, until a person deletes the note of it.
 *
 * @throws StoreError LOCKED, DAMAGED, IO
 */
export async function openStore(directory: string): Promise<Store> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const damage = await damageOf(directory)
    // Made here and not before: a level opens itself in the turn after, wanted or not.
    const level: Level = new ClassicLevel(directory, { keyEncoding: 'view', valueEncoding: 'view' })
    await level.open()
    return new LevelStore(level, new Uint8Array(), damage, () => level.close())
  } catch (cause) {
    throw openError(directory, cause)
  }
}

/** What was ever found damaged here and no person has waved through: LevelDB drops the damaged part as it opens. */
async function damageOf(directory: string): Promise<StoreError | undefined> {
  const note = join(directory, DAMAGE_NOTE)
  const found = await damagedLog(directory)
  if (found !== null) await writeNote(note, `${found.name}, byte ${found.offset}`)
  const where = await readFile(note, 'utf8').catch((error) => {
    if (codeOf(error) !== 'ENOENT') throw error
  })
  if (where === undefined) return undefined
  const message = `The store ${directory} lost records that were on disk (${where}): restore a copy of the data folder, or delete ${note} to go on with what is left`
  return new StoreError('BRUME_STORE_DAMAGED', message)
}

/** On disk, and its name in the folder too, before LevelDB lets go of the log that it tells of. */
async function writeNote(path: string, text: string): Promise<void> {
  await synced(path, 'w', (file) => file.writeFile(text))
  await synced(dirname(path), 'r')
}

async function synced(path: string, flags: string, write?: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, flags, 0o600)
  try {
    await write?.(file)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** All keys of a database that begin with `prefix`, which callers do not see. */
class LevelStore implements Store {
  readonly damage?: StoreError
  readonly #level: Level
  readonly #prefix: Uint8Array
  readonly #close: () => Promise<void>

  constructor(level: Level, prefix: Uint8Array, damage: StoreError | undefined, close: () => Promise<void>) {
    if (damage !== undefined) this.damage = damage
    this.#level = level
    this.#prefix = prefix
    this.#close = close
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const fullKey = this.#full(key)
    const value = await this.#level.get(fullKey).catch(rethrow)
    return value === undefined ? undefined : openValue(fullKey, value)
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    const fullKey = this.#full(key)
    let value: Uint8Array | undefined
    try {
      value = this.#level.getSync(fullKey)
    } catch (error) {
      rethrow(error)
    }
    return value === undefined ? undefined : openValue(fullKey, value)
  }

  async batch(operations: readonly StoreOperation[], options?: StoreWriteOptions): Promise<void> {
    const changes = operations.map((operation) => {
      const key = this.#full(operation.key)
      if (operation.type === 'del') return { type: 'del' as const, key }
      return { type: 'put' as const, key, value: sealValue(key, operation.value) }
    })
    await this.#level.batch(changes, { sync: options?.sync ?? false }).catch(rethrow)
  }

  entries(range: StoreRange = {}): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    if (this.#level.status !== 'open') return failing(closedError())
    // Made here and not at the first step: the iterator's snapshot is that of its creation.
    const iterator = this.#level.iterator(this.#bounds(range))
    return this.#read(iterator)
  }

  sub(prefix: string): Store {
    const nothing = (): Promise<void> => Promise.resolve()
    return new LevelStore(this.#level, this.#full(new TextEncoder().encode(prefix)), this.damage, nothing)
  }

  close(): Promise<void> {
    return this.#close().catch(rethrow)
  }

  async *#read(iterator: AsyncIterable<[Uint8Array, Uint8Array]>): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
    try {
      for await (const [key, value] of iterator) yield [this.#own(key), openValue(key, value)]
    } catch (error) {
      rethrow(error)
    }
  }

  #own(key: Uint8Array): Uint8Array {
    const skip = this.#prefix.length
    return new Uint8Array(key.buffer, key.byteOffset + skip, key.length - skip)
  }

  #full(key: Uint8Array): Uint8Array {
    if (this.#prefix.length === 0) return key
    const full = new Uint8Array(this.#prefix.length + key.length)
    full.set(this.#prefix)
    full.set(key, this.#prefix.length)
    return full
  }

  #bounds(range: StoreRange): { gte: Uint8Array; lt?: Uint8Array; reverse: boolean; limit: number } {
    const gte = this.#full(range.from ?? new Uint8Array())
    const lt = range.to === undefined ? successor(this.#prefix) : this.#full(range.to)
    return { gte, ...(lt && { lt }), reverse: range.reverse ?? false, limit: range.limit ?? -1 }
  }
}

/** The least key above all that begin with `prefix`; a prefix is UTF-8 and never ends in 0xff. */
function successor(prefix: Uint8Array): Uint8Array | undefined {
  if (prefix.length === 0) return undefined
  const next = prefix.slice()
  next[next.length - 1] = (next.at(-1) ?? 0) + 1
  return next
}

// biome-ignore lint/correctness/useYield: an iteration that fails at its first step
async function* failing(error: StoreError): AsyncGenerator<never> {
  throw error
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''

const closedError = (cause?: unknown): StoreError =>
  new StoreError('BRUME_STORE_CLOSED', 'The store is closed: stop what still uses it before closing it', { cause })

function openError(directory: string, error: unknown): StoreError {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  const code = codeOf(cause)
  if (code === 'LEVEL_LOCKED') {
    const message = `The store ${directory} is in use by another process: stop that one or name another data folder`
    return new StoreError('BRUME_STORE_LOCKED', message, { cause })
  }
  if (code === 'LEVEL_CORRUPTION') {
    const message = `The store ${directory} is damaged and LevelDB cannot open it: move the folder away and start again, peers refill it`
    return new StoreError('BRUME_STORE_DAMAGED', message, { cause })
  }
  const message = `The store ${directory} cannot be opened: check that the folder is writable and the disk not full`
  return new StoreError('BRUME_STORE_IO', message, { cause })
}

function rethrow(error: unknown): never {
  if (error instanceof StoreError) throw error
  const code = codeOf(error)
  if (code === 'LEVEL_DATABASE_NOT_OPEN' || code === 'LEVEL_ITERATOR_NOT_OPEN') throw closedError(error)
  if (code === 'LEVEL_CORRUPTION') {
    const message = 'LevelDB found damage on the disk: fetch the data again from other peers or restore a copy'
    throw new StoreError('BRUME_STORE_DAMAGED', message, { cause: error })
  }
  throw new StoreError('BRUME_STORE_IO', 'The disk refused to read or write: check its space and health', {
    cause: error
  })
}
