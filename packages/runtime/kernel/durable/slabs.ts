/** Large enough that the arrays themselves weigh nothing, small enough that half-empty ones are soon repacked. */
export const SLAB_BYTES = 65_536
/** Before each value: its length. */
const LENGTH_BYTES = 4

interface Slab {
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Where the next value goes. */
  end: number
  /** Bytes of values that are still wanted. */
  live: number
  readonly names: Set<string>
}

/**
 * Values by name, packed one behind the other: what a million actors cost that wait for their next event, where an array
 * each would double it. A value larger than a slab has one of its own.
 */
export class Slabs {
  readonly #slabs = new Set<Slab>()
  readonly #places = new Map<string, { readonly slab: Slab; readonly at: number }>()
  #filling: Slab | undefined

  get size(): number {
    return this.#places.size
  }

  /** Of all slabs, used or not. */
  get bytes(): number {
    let sum = 0
    for (const slab of this.#slabs) sum += slab.bytes.length
    return sum
  }

  put(name: string, value: Uint8Array): void {
    this.delete(name)
    const before = this.#filling
    const slab = this.#room(LENGTH_BYTES + value.length)
    slab.view.setUint32(slab.end, value.length)
    slab.bytes.set(value, slab.end + LENGTH_BYTES)
    this.#places.set(name, { slab, at: slab.end })
    slab.names.add(name)
    slab.end += LENGTH_BYTES + value.length
    slab.live += LENGTH_BYTES + value.length
    if (before !== undefined && before !== slab) this.#repackIfSparse(before)
  }

  /** A copy. */
  get(name: string): Uint8Array | undefined {
    const place = this.#places.get(name)
    if (place === undefined) return undefined
    const from = place.at + LENGTH_BYTES
    return place.slab.bytes.slice(from, from + place.slab.view.getUint32(place.at))
  }

  delete(name: string): boolean {
    const place = this.#places.get(name)
    if (place === undefined) return false
    this.#places.delete(name)
    const { slab, at } = place
    slab.names.delete(name)
    slab.live -= LENGTH_BYTES + slab.view.getUint32(at)
    if (slab !== this.#filling) this.#repackIfSparse(slab)
    return true
  }

  #room(length: number): Slab {
    const filling = this.#filling
    if (filling !== undefined && filling.end + length <= filling.bytes.length) return filling
    const bytes = new Uint8Array(Math.max(SLAB_BYTES, length))
    const slab: Slab = { bytes, view: new DataView(bytes.buffer), end: 0, live: 0, names: new Set() }
    this.#slabs.add(slab)
    this.#filling = slab
    return slab
  }

  /** Less than half of it is wanted: that half moves, and it goes. */
  #repackIfSparse(slab: Slab): void {
    if (slab.live * 2 >= slab.bytes.length || !this.#slabs.has(slab)) return
    this.#slabs.delete(slab)
    for (const name of [...slab.names]) {
      const value = this.get(name)
      this.#places.delete(name)
      if (value !== undefined) this.put(name, value)
    }
  }
}
