import { dirname } from 'node:path'
import type { Disk, DiskFile } from '@brume/ports'
import type { SimClock } from './sim-clock.ts'
import type { SimRandom } from './sim-random.ts'

/** What a medium writes as one; a crash may cut a write between two of them, or tear one. */
const SECTOR_BYTES = 512

/** What is written and not synced: all of it may be lost, or a prefix kept. */
interface Unsynced {
  readonly position: number
  readonly bytes: Uint8Array
}

interface Inode {
  /** As the running process sees it. */
  current: Uint8Array
  /** As the medium has it. */
  durable: Uint8Array
  inFlight: Unsynced | undefined
}

interface Medium {
  readonly directories: Set<string>
  readonly names: Map<string, Inode>
}

/** A change of names not yet made durable by `syncDirectory`. */
interface NameChange {
  readonly directory: string
  readonly apply: (names: Map<string, Inode>) => void
}

export interface SimDiskOptions {
  readonly clock: SimClock
  /** The stream `disk` of the run's seed. */
  readonly random: SimRandom
  /** How long a sync takes, drawn once each. Default 0.3 ms. */
  readonly syncMs?: () => number
  /** Files beyond this are refused with ENOSPC. Default without limit. */
  readonly capacityBytes?: number
}

/** An error as the operating system gives it. */
class DiskError extends Error {
  readonly code: string

  constructor(code: string, path: string) {
    super(`${code}: simulated, ${path}`)
    this.code = code
  }
}

/**
 * A disk in memory that loses in a crash what was not synced: writes in flight survive as a random
 * prefix of sectors, perhaps with a torn one at its end, renames as a random prefix in their order.
 */
export class SimDisk implements Disk {
  readonly #clock: SimClock
  readonly #random: SimRandom
  readonly #syncMs: () => number
  readonly #options: SimDiskOptions
  readonly #directories: Set<string>
  readonly #names: Map<string, Inode>
  readonly #durableNames: Map<string, Inode>
  #nameChanges: NameChange[] = []
  #failure: string | undefined
  #isDead = false
  capacityBytes: number

  constructor(options: SimDiskOptions, medium?: Medium) {
    this.#options = options
    this.#directories = medium?.directories ?? new Set(['/'])
    this.#durableNames = medium?.names ?? new Map()
    this.#names = new Map(this.#durableNames)
    this.#clock = options.clock
    this.#random = options.random
    this.#syncMs = options.syncMs ?? (() => 0.3)
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY
  }

  get usedBytes(): number {
    return [...this.#names.values()].reduce((sum, inode) => sum + inode.current.length, 0)
  }

  async makeDirectory(path: string): Promise<void> {
    for (let at = path; !this.#directories.has(at); at = dirname(at)) this.#directories.add(at)
  }

  async list(path: string): Promise<readonly string[]> {
    if (!this.#directories.has(path)) throw new DiskError('ENOENT', path)
    const entries = [...this.#directories, ...this.#names.keys()].filter((name) => name !== '/')
    return entries
      .filter((name) => dirname(name) === path)
      .map((name) => name.slice(dirname(name) === '/' ? 1 : path.length + 1))
      .sort()
  }

  async read(path: string): Promise<Uint8Array> {
    return this.#inode(path).current.slice()
  }

  async open(path: string): Promise<DiskFile> {
    return this.#handle(path, this.#inode(path))
  }

  async preallocate(path: string, bytes: number): Promise<DiskFile> {
    if (!this.#directories.has(dirname(path))) throw new DiskError('ENOENT', path)
    const replaced = this.#names.get(path)?.current.length ?? 0
    if (this.usedBytes - replaced + bytes > this.capacityBytes) throw new DiskError('ENOSPC', path)
    const inode: Inode = { current: new Uint8Array(bytes), durable: new Uint8Array(), inFlight: undefined }
    this.#change(dirname(path), (names) => names.set(path, inode))
    await this.#delay(path)
    inode.durable = new Uint8Array(bytes)
    return this.#handle(path, inode)
  }

  async rename(from: string, to: string): Promise<void> {
    const inode = this.#inode(from)
    this.#change(dirname(to), (names) => {
      names.delete(from)
      names.set(to, inode)
    })
  }

  async unlink(path: string): Promise<void> {
    this.#inode(path)
    this.#change(dirname(path), (names) => names.delete(path))
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#delay(path)
    for (const change of this.#nameChanges) if (change.directory === path) change.apply(this.#durableNames)
    this.#nameChanges = this.#nameChanges.filter(({ directory }) => directory !== path)
  }

  /** The next sync fails with this code, and what it was to write is in an unknown state. */
  failNext(code: 'EIO' | 'ENOSPC'): void {
    this.#failure = code
  }

  /**
   * Power is lost. The disk returned is what the next process finds; on this one nothing settles or
   * changes any more, whatever the dead process still does.
   */
  crash(): SimDisk {
    this.#isDead = true
    for (const inode of new Set([...this.#names.values(), ...this.#durableNames.values()])) this.#lose(inode)
    const kept = this.#nameChanges.slice(0, this.#random.below(this.#nameChanges.length + 1))
    for (const change of kept) change.apply(this.#durableNames)
    const copies = new Map([...this.#durableNames].map(([name, inode]) => [name, survivor(inode)] as const))
    const capacityBytes = this.capacityBytes
    return new SimDisk({ ...this.#options, capacityBytes }, { directories: this.#directories, names: copies })
  }

  /** Damage by hand: changes a file on the medium. */
  damage(path: string, change: (bytes: Uint8Array) => Uint8Array): void {
    const inode = this.#inode(path)
    inode.durable = change(inode.durable.slice())
    inode.current = inode.durable.slice()
  }

  #handle(path: string, inode: Inode): DiskFile {
    let isOpen = true
    return {
      commit: async (position, bytes) => {
        if (!isOpen) throw new DiskError('EBADF', path)
        inode.inFlight = { position, bytes: bytes.slice() }
        inode.current = written(inode.current, position, bytes)
        await this.#delay(path, inode)
        inode.inFlight = undefined
        inode.durable = written(inode.durable, position, bytes)
      },
      close: async () => {
        isOpen = false
      }
    }
  }

  /** The time of one sync, at whose end it may have failed. */
  #delay(path: string, inode?: Inode): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isDead) return
      this.#clock.after(this.#syncMs(), () => {
        if (this.#isDead) return
        const code = this.#failure
        if (code === undefined) return resolve()
        this.#failure = undefined
        if (inode !== undefined) this.#lose(inode)
        reject(new DiskError(code, path))
      })
    })
  }

  #lose(inode: Inode): void {
    const { inFlight } = inode
    inode.inFlight = undefined
    if (inFlight !== undefined) inode.durable = written(inode.durable, inFlight.position, this.#prefix(inFlight))
    inode.current = inode.durable.slice()
  }

  /** A random number of whole sectors; one time in four the next one by a part of its bytes. */
  #prefix({ position, bytes }: Unsynced): Uint8Array {
    const sectors = Math.ceil((position + bytes.length) / SECTOR_BYTES) - Math.floor(position / SECTOR_BYTES)
    const whole = this.#random.below(sectors + 1)
    const torn = this.#random.chance(0.25) ? this.#random.below(SECTOR_BYTES) : 0
    const end = (Math.floor(position / SECTOR_BYTES) + whole) * SECTOR_BYTES + torn
    return bytes.subarray(0, Math.min(Math.max(end - position, 0), bytes.length))
  }

  #change(directory: string, apply: NameChange['apply']): void {
    apply(this.#names)
    this.#nameChanges.push({ directory, apply })
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw new DiskError('ENOENT', path)
    return inode
  }
}

const survivor = ({ durable }: Inode): Inode => ({ current: durable.slice(), durable, inFlight: undefined })

function written(file: Uint8Array, position: number, bytes: Uint8Array): Uint8Array {
  const end = position + bytes.length
  const result = end > file.length ? new Uint8Array(end) : file
  if (result !== file) result.set(file)
  result.set(bytes, position)
  return result
}
