import type { Placement, PlacementEvent, StandbyOutput } from './port.ts'

interface Host {
  emit(output: StandbyOutput): void
  nextOrder(): number
}

/** What one copy has its placement group do: one thing at a time. */
export class Orders {
  readonly #address: string
  readonly #path: string
  readonly #host: Host
  #open: { readonly number: number; readonly event: PlacementEvent } | null = null

  constructor(address: string, path: string, host: Host) {
    this.#address = address
    this.#path = path
    this.#host = host
  }

  get isOpen(): boolean {
    return this.#open !== null
  }

  /** The one with this number is answered. Undefined: there is none. */
  close(number: number): PlacementEvent | undefined {
    const open = this.#open
    if (open?.number !== number) return undefined
    this.#open = null
    return open.event
  }

  place({
    kind,
    copies,
    minInSync
  }: Pick<PlacementEvent & { readonly type: 'place' }, 'kind' | 'copies' | 'minInSync'>): void {
    this.#submit({ type: 'place', path: this.#path, kind, copies, minInSync })
  }

  take(placement: Placement): void {
    this.#submit({ type: 'take', ...this.#at(placement) })
  }

  change(type: 'join' | 'drop', placement: Placement, peer: string): void {
    this.#submit({ type, ...this.#at(placement), peer })
  }

  hand(placement: Placement, to: string, stays: boolean): void {
    this.#submit({ type: 'hand', ...this.#at(placement), to, stays })
  }

  remove(placement: Placement): void {
    this.#submit({ type: 'remove', ...this.#at(placement) })
  }

  #at({ epoch, version }: Placement): { readonly path: string; readonly epoch: number; readonly version: number } {
    return { path: this.#path, epoch, version }
  }

  #submit(event: PlacementEvent): void {
    const number = this.#host.nextOrder()
    this.#open = { number, event }
    this.#host.emit({ type: 'order', address: this.#address, order: number, event })
  }
}
