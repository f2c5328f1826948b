import type { Cancel, PeerId } from '@brume/ports'
import { parseAddress } from '../address.ts'
import type { Kernel } from '../kernel/port.ts'
import { CopyDisk, readCopies } from './disk.ts'
import { lateError, refusedError, StandbyError } from './error.ts'
import { Hold } from './hold.ts'
import { TICK_MS } from './limits.ts'
import type {
  Change,
  HeldView,
  Placement,
  PlacementEvent,
  Shipping,
  Standby,
  StandbyFrame,
  StandbyInput,
  StandbyOptions,
  StandbyOutput,
  Wish
} from './port.ts'
import { createShipping } from './shipping.ts'

/** A group that has not answered by then is taken to be out of reach; what it was sent may take effect later. */
const ANSWER_WITHIN_MS = 5_000
/** Of a place, a hand or a removal: six answers of a group, or five and a kernel that waits for its kind. */
const WANTED_WITHIN_MS = 30_000
/** So long a peer that ends hands over: it stops within 3 s, with all it is made of. */
const STOP_WITHIN_MS = 500

export function createStandby(options: StandbyOptions): Standby {
  return new PeerStandby(options)
}

type Waiter = { readonly done: () => void; readonly fail: (error: Error) => void; readonly cancel: Cancel }

/** Does what the reducer says: frames, disk, orders, kernels. */
class PeerStandby implements Standby {
  readonly #options: StandbyOptions
  readonly #shipping: Shipping
  readonly #disks = new Map<string, CopyDisk>()
  readonly #holds = new Map<string, Hold>()
  /** Who waits for a place, a hand or a removal, by address. */
  readonly #waiters = new Map<string, Waiter>()
  readonly #inputs: StandbyInput[] = []
  #isFeeding = false
  #isStopped = false
  #ticking: Cancel | undefined

  constructor(options: StandbyOptions) {
    this.#options = options
    this.#shipping = createShipping(options.self, options.uptimeMs())
  }

  async start(authorities: readonly string[]): Promise<void> {
    for (const [address, position] of await readCopies(this.#options.store)) {
      this.#disk(address).found(position)
      this.#feed({ type: 'found', address, position })
    }
    this.#feed({ type: 'started', authorities })
    this.#tick()
  }

  joined(authority: string): void {
    this.#feed({ type: 'started', authorities: [authority] })
  }

  receive(from: PeerId, frame: StandbyFrame): void {
    this.#feed({ type: 'frame', from, frame })
  }

  linked(peer: PeerId): void {
    this.#feed({ type: 'linked', peer })
  }

  async place(address: string, kind: string, copies: readonly PeerId[], minInSync: number): Promise<Kernel> {
    await this.#want({ type: 'place', address, kind, copies, minInSync })
    const kernel = this.kernel(address)
    if (kernel === undefined) throw refusedError(address, 'place', 'behind')
    return kernel
  }

  hand(address: string, to: PeerId): Promise<void> {
    return this.#want({ type: 'hand', address, to, stays: true })
  }

  remove(address: string): Promise<void> {
    return this.#want({ type: 'remove', address })
  }

  mayRead(address: string): boolean {
    return this.#shipping.mayRead(address, this.#options.uptimeMs())
  }

  kernel(address: string): Kernel | undefined {
    return this.#holds.get(address)?.kernel
  }

  held(): readonly HeldView[] {
    return this.#shipping.held(this.#options.uptimeMs())
  }

  async stop(): Promise<void> {
    const given = this.held().map(({ address }) => this.#want({ type: 'hand', address, to: null, stays: false }))
    for (const one of given) one.catch(() => undefined)
    // Whoever got it asks whether this peer knows that, and would wait for its silence otherwise.
    if (given.length > 0) await new Promise<void>((over) => this.#options.clock.after(STOP_WITHIN_MS, over))
    this.#isStopped = true
    this.#ticking?.()
    for (const [address, hold] of this.#holds) this.#end(address, hold, null)
    const stopped = new StandbyError('BRUME_STANDBY_STOPPED', 'this peer ends')
    for (const address of [...this.#waiters.keys()]) this.#settle(address, stopped)
  }

  #want(input: Wish): Promise<void> {
    const { address } = input
    if (this.#waiters.has(address)) return Promise.reject(refusedError(address, input.type, 'behind'))
    return new Promise((done, fail) => {
      const cancel = this.#options.clock.after(WANTED_WITHIN_MS, () => this.#late(input))
      this.#waiters.set(address, { done, fail, cancel })
      this.#feed(input)
    })
  }

  #late({ type, address }: Wish): void {
    const isPlaced = type === 'place' && this.#holds.has(address)
    const awaited = isPlaced ? 'its kernel to start here' : 'its placement group to order that'
    this.#feed({ type: 'unwanted', address })
    this.#settle(address, lateError(address, type, awaited, WANTED_WITHIN_MS))
  }

  #settle(address: string, error?: Error): void {
    const waiter = this.#waiters.get(address)
    this.#waiters.delete(address)
    waiter?.cancel()
    if (error === undefined) waiter?.done()
    else waiter?.fail(error)
  }

  #tick(): void {
    this.#ticking = this.#options.clock.after(TICK_MS, () => {
      this.#feed({ type: 'tick' })
      this.#tick()
    })
  }

  /** In order: what an input causes at once is taken after it. */
  #feed(input: StandbyInput): void {
    if (this.#isStopped) return
    this.#inputs.push(input)
    if (this.#isFeeding) return
    this.#isFeeding = true
    for (let next = this.#inputs.shift(); next !== undefined; next = this.#inputs.shift()) {
      for (const output of this.#shipping.on(next, this.#options.uptimeMs())) this.#do(output)
    }
    this.#isFeeding = false
  }

  #do(output: StandbyOutput): void {
    switch (output.type) {
      case 'send':
        return this.#options.host.send(output.to, output.frame)
      case 'order':
        return this.#order(output.address, output.order, output.event)
      case 'look':
        return this.#look(output.authority, output.look)
      case 'write':
        return this.#write(output.address, output.write, output.change)
      case 'read':
        return this.#read(output.address)
      case 'lead':
        return this.#lead(output.address, output.placement)
      case 'cease':
        return this.#cease(output.address, output.placement)
      case 'release':
        return this.#holds.get(output.address)?.store.release(output.batches)
      case 'refused':
        return this.#settle(output.address, refusedError(output.address, output.what, output.refusal))
      case 'discard':
        return this.#discard(output.address)
    }
  }

  #order(address: string, order: number, event: PlacementEvent): void {
    const { authority } = parseAddress(address)
    this.#within(this.#options.placements.order(authority, event), (reply) => {
      this.#feed({ type: 'answered', address, order, reply })
    })
  }

  #look(authority: string, look: number): void {
    this.#within(this.#options.placements.look(authority), (found) => {
      const placements = found && new Map([...found].map(([path, one]) => [`brume://${authority}/${path}`, one]))
      this.#feed({ type: 'told', authority, look, placements })
    })
  }

  /** Once: with null where it fails, or takes too long. */
  #within<T>(promise: Promise<T>, told: (value: T | null) => void): void {
    let isTold = false
    const once = (value: T | null): void => {
      if (isTold) return
      isTold = true
      cancel()
      told(value)
    }
    const cancel = this.#options.clock.after(ANSWER_WITHIN_MS, () => once(null))
    promise.then(once, () => once(null))
  }

  #write(address: string, write: number, change: Change): void {
    this.#disk(address)
      .write(change)
      .then(
        () => this.#feed({ type: 'written', address, write }),
        (error) => this.#options.onFatal(error)
      )
  }

  #read(address: string): void {
    this.#disk(address)
      .read()
      .then(
        (found) => found && this.#feed({ type: 'base', address, ...found }),
        (error) => this.#options.onFatal(error)
      )
  }

  #lead(address: string, placement: Placement): void {
    const { host, clock, log, uptimeMs } = this.#options
    const hold = new Hold({
      ...{ address, placement, host, clock, log },
      data: this.#disk(address).data,
      takes: () => this.#shipping.takes(address, uptimeMs()),
      commit: (batch) => {
        if (this.#holds.get(address) === hold) this.#feed({ type: 'batch', address, batch })
      },
      started: () => this.#settle(address),
      failed: () => this.#feed({ type: 'unfit', address })
    })
    this.#holds.set(address, hold)
    hold.start()
  }

  #cease(address: string, placement: Placement | null): void {
    const hold = this.#holds.get(address)
    if (hold !== undefined) this.#end(address, hold, placement?.holder ?? null)
    this.#settle(address)
  }

  #end(address: string, hold: Hold, to: PeerId | null): void {
    this.#holds.delete(address)
    hold.end()
    this.#options.host.ceased(address, to)
  }

  #discard(address: string): void {
    this.#disk(address)
      .discard()
      .catch((error) => this.#options.onFatal(error))
  }

  #disk(address: string): CopyDisk {
    const known = this.#disks.get(address)
    if (known !== undefined) return known
    const disk = new CopyDisk(this.#options.store, address)
    this.#disks.set(address, disk)
    return disk
  }
}
