import type { Clock, Log, Random } from '@brume/ports'
import { RuntimeError } from '@brume/runtime'
import { parseAddress, withoutIncarnation } from '@brume/runtime/address'
import { createKernel, type Kernel, type Kind, type Remote } from '@brume/runtime/kernel'
import type { Held } from '@brume/runtime/standby'

/** After a restart the kinds are registered by the application: so long one is waited for before another peer leads. */
const KIND_WITHIN_MS = 5_000

export interface HeldKernelsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** The way out, for a kernel of this authority. */
  readonly remote: (authority: string) => Remote
  readonly onFatal: (error: Error) => void
}

/** The kernels of actors that this peer holds for placement groups: one for each, with its children. */
export class HeldKernels {
  readonly #options: HeldKernelsOptions
  readonly #kinds = new Map<string, Kind>()
  readonly #kernels = new Map<string, Kernel>()
  readonly #awaited = new Set<() => void>()

  constructor(options: HeldKernelsOptions) {
    this.#options = options
  }

  register(kind: Kind): void {
    this.#kinds.set(kind.name, kind)
    for (const kernel of this.#kernels.values()) kernel.register(kind)
    for (const look of [...this.#awaited]) look()
  }

  /** @throws RuntimeError KIND where its machine is not registered here in time */
  async lead(held: Held): Promise<Kernel> {
    const { clock, random, log, remote, onFatal } = this.#options
    const { address, authority, store, takes, placement } = held
    await this.#registered(placement.kind)
    const kernel = createKernel({
      ...{ clock, random, log, self: authority, store, takes, remote: remote(authority), onFatal }
    })
    for (const kind of this.#kinds.values()) kernel.register(kind)
    await kernel.start()
    this.#kernels.set(address, kernel)
    return kernel
  }

  ceased(address: string): void {
    this.#kernels.delete(address)
  }

  /** Where this actor or one above it is held here. */
  find(target: string): Kernel | undefined {
    const root = this.rootOf(target)
    return root === undefined ? undefined : this.#kernels.get(root)
  }

  /** Address of the root of its tree. */
  rootOf(target: string): string | undefined {
    const { authority, path } = parseAddress(withoutIncarnation(target))
    for (let root = path; root !== ''; root = root.slice(0, Math.max(0, root.lastIndexOf('/')))) {
      const address = `brume://${authority}/${root}`
      if (this.#kernels.has(address)) return address
    }
    return undefined
  }

  #registered(name: string): Promise<void> {
    if (this.#kinds.has(name)) return Promise.resolve()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const look = (): void => {
      if (this.#kinds.has(name)) resolve()
    }
    this.#awaited.add(look)
    const late = (): void =>
      reject(new RuntimeError('BRUME_RUNTIME_KIND', `${name} is not registered here: register it to hold its actors`))
    const cancel = this.#options.clock.after(KIND_WITHIN_MS, late)
    return promise.finally(() => {
      cancel()
      this.#awaited.delete(look)
    })
  }
}
