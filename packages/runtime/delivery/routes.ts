import type { PeerId } from '@brume/ports'

/** Addresses of actors that moved: those used lately are enough, for the others their first peer is asked again. */
const ROUTES_MAX = 4_096

interface Route {
  readonly peer: PeerId
  /** Where it was before: what is still under way there must not be overtaken. */
  readonly before: readonly PeerId[]
}

/** At which peers actors are that are not at the peer of their address any more. */
export class Routes {
  readonly #routes = new Map<string, Route>()

  get(to: string): Route | undefined {
    return this.#routes.get(to)
  }

  /** @param home - where it was looked for until now */
  set(to: string, peer: PeerId, home: PeerId | undefined): void {
    const known = this.#routes.get(to)
    const earlier = new Set([...(known?.before ?? []), ...(home === undefined ? [] : [home])])
    if (known !== undefined) earlier.add(known.peer)
    earlier.delete(peer)
    this.#routes.delete(to)
    this.#routes.set(to, { peer, before: [...earlier] })
    if (this.#routes.size <= ROUTES_MAX) return
    for (const oldest of this.#routes.keys()) return void this.#routes.delete(oldest)
  }
}
