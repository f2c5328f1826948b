import { randomBytes } from 'node:crypto'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createPeer, type Peer, type Ref } from '@brume/peer'
import { TestnetError } from '../errors.ts'
import type { EventLine } from '../runner/event-line.ts'
import { Copy } from './copy.ts'
import type counter from './counter.machine.ts'
import listener from './listener.machine.ts'

/** Three copies, and one that only votes: the group goes on without any one of them. */
const MEMBERS = 4
/** A client waits so long for one answer; a takeover that takes longer is none. */
const ASK_MS = 60_000
/** Between two counts. */
const PACE_MS = 20
const LEVEL_WITHIN_MS = 90_000
const LEVEL_POLL_MS = 250
/** Whatever would come twice has come by then. */
const QUIET_MS = 2_000

export type Fault = 'kill' | 'pause'

export interface TakeoverPlan {
  /** What is done to the holder, one after the other. */
  readonly faults: readonly Fault[]
  /** For how long a paused one is. */
  readonly pauseS: number
  /** Of counting before each fault, and after it. */
  readonly seconds: number
}

export interface TakeoverOptions extends TakeoverPlan {
  readonly folder: string
  readonly events: EventLine
  readonly aborted: AbortSignal
}

/** What a client saw. */
export interface TakeoverOutcome {
  /** Counts that were answered. */
  readonly answered: number
  /** Those that were not one more than the one before. */
  readonly wrong: number
  /** What an actor elsewhere was told by the counter, in order. */
  readonly told: readonly number[]
  /** From each fault to the first answer after it. */
  readonly takeoverMs: readonly number[]
  /** Did the holder that failed follow, in step, before the next fault? */
  readonly rejoined: boolean
  /** Processes that wanted to run, for each core, over the minute of the takeover that found most. */
  readonly queue: number
  readonly areLeft: boolean
}

/** Processes hold and follow a counter; its holder is killed or paused, while a client goes on counting. */
export async function takeOver(options: TakeoverOptions): Promise<TakeoverOutcome> {
  const network = `standby-${randomBytes(6).toString('hex')}`
  const copies = Array.from({ length: MEMBERS }, (_, n) => {
    return new Copy(`copy-${n + 1}`, join(options.folder, `copy-${n + 1}`), network)
  })
  const settings = { profile: 'local', store: 'memory', mdns: false, logLevel: 'error' } as const
  const client = await createPeer({ ...settings, network })
  const run = new Takeover(options, copies, client)
  try {
    return await run.run()
  } finally {
    await client.stop()
    for (const copy of copies) copy.resume()
    await Promise.all(copies.map((copy) => copy.kill()))
  }
}

class Takeover {
  readonly #options: TakeoverOptions
  readonly #copies: readonly Copy[]
  readonly #client: Peer
  readonly #takeoverMs: number[] = []
  #counter: Ref<typeof counter> | undefined
  #answered = 0
  #wrong = 0
  #rejoined = true
  #queue = 0

  constructor(options: TakeoverOptions, copies: readonly Copy[], client: Peer) {
    this.#options = options
    this.#copies = copies
    this.#client = client
  }

  async run(): Promise<TakeoverOutcome> {
    const ear = await this.#begin()
    for (const [index, fault] of this.#options.faults.entries()) {
      await this.#countFor(this.#options.seconds)
      await this.#strike(fault, index + 1)
    }
    await this.#countFor(this.#options.seconds)
    await sleep(QUIET_MS)
    const { told } = (await ear.snapshot()).context
    await Promise.all(this.#copies.map((copy) => copy.kill()))
    return {
      ...{ answered: this.#answered, wrong: this.#wrong, told, takeoverMs: this.#takeoverMs },
      ...{ rejoined: this.#rejoined, queue: this.#queue, areLeft: this.#copies.some(({ isUp }) => isUp) }
    }
  }

  async #begin(): Promise<Ref<typeof listener>> {
    const logic = await this.#client.register<typeof listener>(listener, { name: 'listener', version: 1 })
    const ear = await this.#client.spawn(logic, { id: 'ear' })
    for (const copy of this.#copies) {
      await copy.start()
      await this.#connect(copy)
    }
    const members = this.#copies.map(({ id }) => id)
    const address = await this.#copies[0]?.ask('spawn', { members, to: ear.address })
    this.#counter = this.#client.ref<typeof counter>(address ?? '')
    await this.#untilLevel()
    await this.#count()
    this.#options.events.emit('standby.formed', undefined, { members: MEMBERS, address: address ?? '' })
    return ear
  }

  async #connect(copy: Copy): Promise<void> {
    const others = this.#copies.filter((other) => other !== copy && other.isUp && other.id !== '')
    await copy.ask('dial', [...this.#client.addresses, ...others.flatMap(({ addresses }) => addresses)])
  }

  async #strike(fault: Fault, number: number): Promise<void> {
    const { events, pauseS } = this.#options
    const holder = await this.#holder()
    const atMs = performance.now()
    if (fault === 'kill') await holder.kill()
    else holder.pause()
    await this.#count()
    const tookMs = performance.now() - atMs
    this.#takeoverMs.push(tookMs)
    this.#queue = Math.max(this.#queue, (loadavg()[0] ?? 0) / availableParallelism())
    events.emit('standby.taken', holder.name, { number, fault, tookMs: Math.round(tookMs) })
    await this.#countFor(fault === 'pause' ? Math.max(0, pauseS - tookMs / 1_000) : this.#options.seconds)
    if (fault === 'kill') {
      await holder.start()
      await this.#connect(holder)
    } else holder.resume()
    this.#rejoined &&= await this.#untilLevel()
    events.emit('standby.back', holder.name, { answered: this.#answered })
  }

  async #countFor(seconds: number): Promise<void> {
    for (const endMs = performance.now() + seconds * 1_000; performance.now() < endMs; await sleep(PACE_MS)) {
      this.#options.aborted.throwIfAborted()
      await this.#count()
    }
  }

  async #count(): Promise<void> {
    const n = await this.#counter?.ask({ type: 'count' }, { timeoutMs: ASK_MS })
    this.#answered += 1
    if (n === this.#answered) return
    this.#wrong += 1
    this.#options.events.emit('standby.wrong', undefined, { was: String(n), expected: this.#answered })
  }

  async #holder(): Promise<Copy> {
    for (const copy of this.#copies) if ((await copy.ask('role', true)).role === 'holder') return copy
    throw new TestnetError('BRUME_TESTNET_PEER_FAILED', 'nobody says that it holds the counter')
  }

  /** True once both followers are in step. */
  async #untilLevel(): Promise<boolean> {
    for (const endMs = performance.now() + LEVEL_WITHIN_MS; performance.now() < endMs; await sleep(LEVEL_POLL_MS)) {
      const roles = await Promise.all(this.#copies.map((copy) => copy.ask('role', true)))
      const holders = roles.filter(({ role }) => role === 'holder')
      if (holders.length === 1 && holders[0]?.inSync === 2) return true
    }
    return false
  }
}
