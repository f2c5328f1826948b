import type { Cancel } from '@brume/ports'
import { parseAddress } from '../address.ts'
import type { DownReason, HistoryEntry, Kernel, Refusal, Snapshot } from '../kernel/port.ts'
import type { Json } from '../logic/port.ts'
import type { ControlLane } from './control-lane.ts'
import type { Control } from './controls.ts'
import { DeliveryError } from './error.ts'
import { ANSWER_BYTES_MAX, ITEM_BYTES_MAX, PIECE_BYTES_MAX, READS_MAX, WATCHES_MAX } from './limits.ts'

type ReadFrame = Extract<Control, { type: 'read' }>
type WatchFrame = Extract<Control, { type: 'watch' }>
type CommandFrame = Extract<Control, { type: 'command' }>

/** What is shown of actors here. */
export type Shown = Pick<Kernel, 'watch' | 'snapshot' | 'on' | 'follow' | 'history' | 'movedTo'>

/** Filter of a snapshot that is ordered after all that waited before it. */
export const FINAL = 'final'
export const readOf = (filter: string): 'local' | 'final' => (filter === FINAL ? 'final' : 'local')

export interface ServingSink {
  /** Undefined once nothing is shown any more. */
  shown(): Shown | undefined
  /** Undefined where it may be read. */
  refusal(read: ReadFrame['kind'] | 'watch', target: string): Refusal | undefined
  encode(value: Json): Uint8Array | undefined
  decode(bytes: Uint8Array): Json | undefined
  /** Has it done, if that peer may. */
  obey(target: string, body: Json): Promise<Json>
  /** What a rejected read of the kernel means. */
  codeOf(error: unknown): Refusal
  /** A command was refused. */
  count(what: 'nack', code: Refusal): void
  soon(): void
}

interface Served {
  readonly isWatch: boolean
  end: Cancel
}

const NOTHING = new Uint8Array(0)

/** Watches and reads that the other side has open here. */
export class Serving {
  readonly #control: ControlLane
  readonly #sink: ServingSink
  readonly #served = new Map<number, Served>()
  #watches = 0

  constructor(control: ControlLane, sink: ServingSink) {
    this.#control = control
    this.#sink = sink
  }

  get size(): number {
    return this.#served.size
  }

  /** @throws DeliveryError */
  watch({ id, target, known }: WatchFrame): void {
    const served = this.#open(id, true)
    const tell = (reason: DownReason | 'alive', incarnation: number, output: Uint8Array = NOTHING): void => {
      if (this.#served.get(id) !== served) return
      this.#push({ type: 'down', id, reason, incarnation, output })
    }
    const kernel = this.#sink.shown()
    if (kernel === undefined || this.#sink.refusal('watch', target) !== undefined) return tell('noactor', 0)
    // It lived when this side was last asked, and nothing is remembered of it: its life was lost with the memory.
    const lost = known === null ? undefined : () => tell('restarted', known)
    served.end = kernel.watch(target, ({ reason, incarnation, output }) => {
      if (reason === 'noactor' && lost !== undefined) lost()
      else tell(reason, incarnation, output === undefined ? NOTHING : (this.#sink.encode(output) ?? NOTHING))
    })
    const told = ({ incarnation, cell }: Snapshot): void => {
      if (known !== null && known !== incarnation) lost?.()
      if (cell !== 'stopped' && cell !== 'done') tell('alive', incarnation)
    }
    // Nobody there: the watch itself says so.
    void kernel.snapshot(target).then(told, () => undefined)
  }

  /** @throws DeliveryError */
  read(frame: ReadFrame): void {
    const { id, kind, target, from } = frame
    const served = this.#open(id, false)
    const kernel = this.#sink.shown()
    const code = kernel === undefined ? 'noactor' : this.#sink.refusal(kind, target)
    if (kernel === undefined || code !== undefined) return this.#last(id, code ?? 'noactor')
    const isOpen = (): boolean => this.#served.get(id) === served
    try {
      const moved = kernel.movedTo(target)
      if (moved !== null) return this.#moved(id, moved)
      if (kind === 'snapshot') this.#snapshot(kernel, frame, isOpen)
      else if (kind === 'history') void this.#history(id, kernel.history(parseAddress(target).path, from), isOpen)
      else served.end = this.#subscribe(kernel, frame, isOpen)
    } catch (error) {
      this.#last(id, this.#sink.codeOf(error))
    }
  }

  /** @throws DeliveryError */
  command({ id, target, body }: CommandFrame): void {
    const served = this.#open(id, false)
    const isOpen = (): boolean => this.#served.get(id) === served
    const refused = (code: Refusal): void => {
      this.#sink.count('nack', code)
      if (isOpen()) this.#last(id, code)
    }
    const command = this.#sink.decode(body)
    if (command === undefined) return refused('invalid')
    const done = (value: Json): void => {
      if (isOpen() && this.#item(id, value)) this.#last(id, 'ok')
    }
    this.#sink.obey(target, command).then(done, (error) => refused(this.#sink.codeOf(error)))
  }

  /** Its last word follows. */
  cancel(id: number): void {
    const served = this.#served.get(id)
    if (served === undefined) return
    if (!served.isWatch) return this.#last(id, 'ok')
    this.#push({ type: 'down', id, reason: 'cancelled', incarnation: 0, output: NOTHING })
    this.#close(id)
  }

  /** The other side has lost its memory, or is forgotten. */
  clear(): void {
    for (const { end } of this.#served.values()) end()
    this.#served.clear()
    this.#watches = 0
  }

  #open(id: number, isWatch: boolean): Served {
    const isTooMany = isWatch ? this.#watches >= WATCHES_MAX : this.#served.size - this.#watches >= READS_MAX
    if (isTooMany || this.#served.has(id)) {
      throw new DeliveryError('BRUME_DELIVERY_LIMIT', `watch or read ${id} is open, or one too many`)
    }
    const served: Served = { isWatch, end: () => undefined }
    this.#served.set(id, served)
    if (isWatch) this.#watches += 1
    return served
  }

  #snapshot(kernel: Shown, { id, target, filter }: ReadFrame, isOpen: () => boolean): void {
    const shown = (snapshot: Snapshot): void => {
      if (isOpen() && this.#item(id, plainSnapshot(snapshot))) this.#last(id, 'ok')
    }
    const failed = (error: unknown): void => {
      if (isOpen()) this.#last(id, this.#sink.codeOf(error))
    }
    void kernel.snapshot(target, readOf(filter)).then(shown, failed)
  }

  #subscribe(kernel: Shown, { id, kind, target, filter }: ReadFrame, isOpen: () => boolean): Cancel {
    const give = (value: Json): void => {
      if (isOpen()) this.#item(id, value)
    }
    const follow = (): Cancel => kernel.follow(target, (snapshot) => give(plainSnapshot(snapshot)))
    const cancel = kind === 'events' ? kernel.on(target, filter, give) : follow()
    const leave = kernel.watch(target, ({ reason, output }) => {
      if (reason === 'moved' && typeof output === 'string' && isOpen()) this.#moved(id, output)
    })
    return () => {
      leave()
      cancel()
    }
  }

  async #history(id: number, entries: AsyncIterable<HistoryEntry>, isOpen: () => boolean): Promise<void> {
    try {
      for await (const { seq, atMs, sender, event } of entries) {
        // As fast as it is read, so that it may be long.
        await this.#control.room()
        if (!isOpen()) return
        if (!this.#item(id, { seq, atMs, sender, event })) return
      }
      if (isOpen()) this.#last(id, 'ok')
    } catch (error) {
      if (isOpen()) this.#last(id, this.#sink.codeOf(error))
    }
  }

  /** False where it could not be given, and the read ended. */
  #item(id: number, value: Json): boolean {
    const bytes = this.#sink.encode(value)
    if (this.#control.bytes > ANSWER_BYTES_MAX) return this.#fail(id, 'overload')
    if (bytes === undefined || bytes.length > ITEM_BYTES_MAX) return this.#fail(id, 'failed')
    for (let at = 0; at < bytes.length; at += PIECE_BYTES_MAX) {
      const piece = bytes.subarray(at, at + PIECE_BYTES_MAX)
      this.#push({ type: 'item', id, code: 'ok', more: at + PIECE_BYTES_MAX < bytes.length, last: false, value: piece })
    }
    return true
  }

  #fail(id: number, code: Refusal): false {
    this.#last(id, code)
    return false
  }

  #moved(id: number, address: string): void {
    this.#last(id, 'moved', this.#sink.encode(address))
  }

  #last(id: number, code: Refusal | 'ok', value: Uint8Array = NOTHING): void {
    this.#push({ type: 'item', id, code, more: false, last: true, value })
    this.#close(id)
  }

  #close(id: number): void {
    const served = this.#served.get(id)
    this.#served.delete(id)
    if (served?.isWatch === true) this.#watches -= 1
    served?.end()
  }

  #push(control: Control): void {
    this.#control.push(control)
    this.#sink.soon()
  }
}

/** Without what is no plain data: of an error its code or message. */
function plainSnapshot(snapshot: Snapshot): Json {
  const { address, incarnation, seq, cell, status, value, context, tags, output, error } = snapshot
  const plain: Record<string, Json> = { address, incarnation, seq, cell, status, value, context, tags }
  if (output !== undefined) plain.output = output
  if (error !== undefined) plain.error = errorText(error)
  return plain
}

function errorText(error: unknown): string {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  return String(code ?? message ?? error).toWellFormed()
}
