import { setTimeout as sleep } from 'node:timers/promises'
import { type Group, QuorumError } from '@brume/actors/quorum'
import { deriveSeed, type Identity, identityFromSeed } from '@brume/crypto'
import { monotonicMs, sleepUntil } from '../harness/clock.ts'
import { Client } from './commands.ts'
import type { ClosedSlice, OpenSlice, Stamp } from './plan.ts'

/** A pool takes 64 commands of one client; half of that leaves room for those that are final elsewhere already. */
const PER_CLIENT = 32
/** Before a refused command is sent again. */
const REFUSED_PAUSE_MS = 50

/** The clients of one member, and what they wait for. */
export class Workload {
  readonly #group: Group
  readonly #identity: Identity
  readonly #clients: Client[] = []
  readonly submitted: Stamp[] = []
  #waiting = 0
  #refused = 0
  #endMs = 0

  constructor(group: Group, identity: Identity) {
    this.#group = group
    this.#identity = identity
  }

  /** Commands that are not final yet. */
  get waiting(): number {
    return this.#waiting
  }

  begin(): void {
    this.submitted.length = 0
    this.#refused = 0
  }

  get refused(): number {
    return this.#refused
  }

  /** The member's share of commands at a constant rate; resolves at the end of the slice. */
  async open({ startMs, durationMs, ratePerS }: OpenSlice, index: number, members: number): Promise<void> {
    const periodMs = 1_000 / ratePerS
    for (let k = index; k * periodMs < durationMs; k += members) {
      await sleepUntil(startMs + k * periodMs)
      void this.#submit(this.#client(0))
    }
    await sleepUntil(startMs + durationMs)
  }

  /** Keeps the member's share of commands waiting until the end of the slice. */
  async closed({ startMs, durationMs, waiting }: ClosedSlice, index: number, members: number): Promise<void> {
    const share = Math.floor(waiting / members) + (index < waiting % members ? 1 : 0)
    await sleepUntil(startMs)
    this.#endMs = startMs + durationMs
    for (let i = 0; i < share; i++) void this.#loop(this.#client(Math.floor(i / PER_CLIENT)))
    await sleepUntil(this.#endMs)
  }

  /** One command, waited for by whoever watches the group. */
  one(): void {
    void this.#submit(this.#client(0))
  }

  async #loop(client: Client): Promise<void> {
    while (monotonicMs() < this.#endMs) await this.#submit(client)
  }

  async #submit(client: Client): Promise<void> {
    const command = client.next()
    const submittedMs = monotonicMs()
    this.#waiting += 1
    try {
      const { id, final } = this.#group.submit(command)
      this.submitted.push([id, submittedMs])
      await final
    } catch (error) {
      if (!(error instanceof QuorumError)) throw error
      this.#refused += 1
      client.renew()
      await sleep(REFUSED_PAUSE_MS)
    } finally {
      this.#waiting -= 1
    }
  }

  #client(index: number): Client {
    const known = this.#clients[index]
    if (known !== undefined) return known
    const identity = identityFromSeed(deriveSeed(this.#identity.seed, `brume/bench-client-${index}/1`))
    const made = new Client(identity, this.#group.groupId)
    this.#clients[index] = made
    return made
  }
}
