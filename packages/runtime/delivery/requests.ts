import type { Cancel } from '@brume/ports'
import type { Down, Refusal } from '../kernel/port.ts'
import type { Json } from '../logic/port.ts'
import type { ControlLane } from './control-lane.ts'
import type { Control } from './controls.ts'
import { CONTROL_BYTES_MAX, ITEM_BYTES_MAX, READS_MAX, WATCHES_MAX } from './limits.ts'

type ReadFrame = Extract<Control, { type: 'read' }>
type ItemFrame = Extract<Control, { type: 'item' }>
type DownFrame = Extract<Control, { type: 'down' }>

/** What is wanted of an actor over there, and who is told. */
export interface Reading {
  readonly kind: ReadFrame['kind'] | 'command'
  readonly target: string
  /** Of a command. */
  readonly body?: Uint8Array
  readonly filter: string
  readonly from: number
  item(value: Json): void
  /** `ok`: there is no more. `moved`: it lives at `address`, if that was told. */
  ended(code: Refusal | 'ok' | 'unreachable', address?: string): void
}

interface Watch {
  readonly target: string
  readonly down: (down: Down) => void
  /** The incarnation that is known to live. */
  known: number | null
  told: number | null
  isCancelled: boolean
}

interface Read {
  readonly reading: Reading
  /** Of a value that comes in pieces. */
  readonly pieces: Uint8Array[]
  bytes: number
  /** Whole values so far. */
  items: number
  isCancelled: boolean
}

const NOTHING = new Uint8Array(0)

/** Watches and reads that this side has open at the other. They outlive streams, and the other side's memory. */
export class Requests {
  readonly #control: ControlLane
  readonly #decode: (bytes: Uint8Array) => Json | undefined
  readonly #watches = new Map<number, Watch>()
  readonly #reads = new Map<number, Read>()
  #lastId = 0

  /** @param decode - of a value another peer sent; undefined where it is none */
  constructor(control: ControlLane, decode: (bytes: Uint8Array) => Json | undefined) {
    this.#control = control
    this.#decode = decode
  }

  get size(): number {
    return this.#watches.size + this.#reads.size
  }

  /** Undefined where too many are open. */
  watch(target: string, down: (down: Down) => void): Cancel | undefined {
    if (this.#watches.size >= WATCHES_MAX || this.#control.bytes > CONTROL_BYTES_MAX) return undefined
    const id = this.#nextId()
    const watch: Watch = { target, down, known: null, told: null, isCancelled: false }
    this.#watches.set(id, watch)
    this.#control.push({ type: 'watch', id, target, known: null })
    return () => this.#cancel(id, watch)
  }

  /** Undefined where too many are open. */
  read(reading: Reading): Cancel | undefined {
    if (this.#reads.size >= READS_MAX || this.#control.bytes > CONTROL_BYTES_MAX) return undefined
    const id = this.#nextId()
    const read: Read = { reading, pieces: [], bytes: 0, items: 0, isCancelled: false }
    this.#reads.set(id, read)
    this.#ask(id, read)
    return () => this.#cancel(id, read)
  }

  /** False where nobody watches. */
  down({ id, reason, incarnation, output }: DownFrame): boolean {
    const watch = this.#watches.get(id)
    if (watch === undefined) return false
    if (reason === 'cancelled') return this.#watches.delete(id)
    if (reason === 'alive') {
      watch.known = incarnation
      return true
    }
    if (watch.isCancelled || watch.told === incarnation) return true
    watch.told = incarnation
    watch.known = null
    const value = output.length === 0 ? undefined : this.#decode(output)
    watch.down({ address: watch.target, reason, incarnation, ...(value === undefined ? {} : { output: value }) })
    return true
  }

  /** False where nobody reads. */
  item(item: ItemFrame): boolean {
    const read = this.#reads.get(item.id)
    if (read === undefined) return false
    if (item.last) this.#reads.delete(item.id)
    if (read.isCancelled) return true
    if (item.code === 'moved') return this.#moved(read, item)
    if (item.value.length > 0 && !this.#piece(read, item)) return this.#spoil(item.id, read)
    if (item.last) read.reading.ended(item.code)
    return true
  }

  /** The other side has lost its memory: all that is open is asked for anew. */
  restart(): void {
    for (const [id, watch] of this.#watches) {
      if (watch.isCancelled) this.#watches.delete(id)
      else this.#control.push({ type: 'watch', id, target: watch.target, known: watch.known })
    }
    for (const [id, read] of this.#reads) {
      read.pieces.length = 0
      read.bytes = 0
      if (read.isCancelled) this.#reads.delete(id)
      else this.#ask(id, read)
    }
  }

  /** The peer was away too long. It may yet come back: what is open there is cancelled then. */
  unreachable(): void {
    for (const [id, watch] of this.#watches) {
      if (watch.isCancelled) continue
      this.#cancel(id, watch)
      const incarnation = watch.known ?? 0
      if (watch.told !== incarnation) watch.down({ address: watch.target, reason: 'unreachable', incarnation })
    }
    for (const [id, read] of this.#reads) {
      if (read.isCancelled) continue
      this.#cancel(id, read)
      read.reading.ended('unreachable')
    }
  }

  #nextId(): number {
    this.#lastId += 1
    return this.#lastId
  }

  #ask(id: number, { reading, items }: Read): void {
    const { kind, target, filter, from, body = NOTHING } = reading
    if (kind === 'command') return this.#control.push({ type: 'command', id, target, body })
    this.#control.push({ type: 'read', id, kind, target, filter, from: from + items })
  }

  #cancel(id: number, request: { isCancelled: boolean }): void {
    if (request.isCancelled || !(this.#watches.has(id) || this.#reads.has(id))) return
    request.isCancelled = true
    this.#control.push({ type: 'cancel', id })
  }

  #moved({ reading }: Read, { value }: ItemFrame): true {
    const address = this.#decode(value)
    if (typeof address === 'string') reading.ended('moved', address)
    else reading.ended('moved')
    return true
  }

  /** False for what is no value. */
  #piece(read: Read, { value, more }: ItemFrame): boolean {
    read.pieces.push(value.slice())
    read.bytes += value.length
    if (read.bytes > ITEM_BYTES_MAX) return false
    if (more) return true
    const whole = this.#decode(Buffer.concat(read.pieces))
    read.pieces.length = 0
    read.bytes = 0
    if (whole === undefined) return false
    read.items += 1
    read.reading.item(whole)
    return true
  }

  #spoil(id: number, read: Read): boolean {
    this.#cancel(id, read)
    read.reading.ended('invalid')
    return true
  }
}
