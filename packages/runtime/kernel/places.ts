import { type ActorAddress, formatAddress, parseAddress } from '../address.ts'
import { assertPath, encodeSegment } from '../segment.ts'

/** Addresses that were parsed lately: parsing costs more than the step of a small actor. */
const KNOWN_MAX = 4_096

/** A target, and whether it is here. */
export interface Place {
  readonly isHere: boolean
  readonly authority: string
  readonly path: string
  readonly incarnation: number | null
}

/** Reads targets: addresses, and own paths without scheme. */
export class Places {
  readonly self: string
  #known = new Map<string, Place>()

  /** Incarnation of application code, which has one a boot. */
  #boot: number
  #client: string

  constructor(self: string, boot: number) {
    this.self = self
    this.#boot = boot
    this.#client = formatAddress(self, '~client', boot)
  }

  get boot(): number {
    return this.#boot
  }

  /** Address of application code. */
  get client(): string {
    return this.#client
  }

  begin(boot: number): void {
    this.#boot = boot
    this.#client = formatAddress(this.self, '~client', boot)
  }

  /** @throws RuntimeError `BRUME_RUNTIME_ADDRESS` */
  find(to: string): Place {
    const known = this.#known.get(to)
    if (known !== undefined) return known
    if (this.#known.size >= KNOWN_MAX) this.#known = new Map()
    const place = to.startsWith('brume://') ? this.#placeOf(parseAddress(to)) : this.#own(to)
    this.#known.set(to, place)
    return place
  }

  address(path: string, incarnation: number | null = null): string {
    return formatAddress(this.self, path, incarnation)
  }

  /** Path of a machine's child. @throws RuntimeError where the tree is too deep or the id too long */
  below(path: string, id: string): string {
    return `${path}/${encodeSegment(id)}`
  }

  #placeOf({ authority, path, incarnation }: ActorAddress): Place {
    return { isHere: authority === this.self, authority, path, incarnation }
  }

  #own(to: string): Place {
    const hash = to.indexOf('#')
    if (hash !== -1) return this.#placeOf(parseAddress(`brume://${this.self}/${to}`))
    assertPath(to)
    return { isHere: true, authority: this.self, path: to, incarnation: null }
  }
}
