import { equal } from '@brume/codec'
import { DOMAIN, hash } from '@brume/crypto'
import type { Cancel, Clock, PeerId } from '@brume/ports'
import {
  BUNDLE_BYTES_MAX,
  BUNDLE_CLOSINGS_MAX,
  BundleError,
  type ClientAnswer,
  type Closing,
  COMMAND_BYTES_MAX,
  decodeBundle,
  encodeBundle,
  Genuine,
  type LeafProof,
  type ReadLevel,
  type TrustedCommittee,
  type Verified,
  verifyFinal
} from '@brume/protocols/quorum'
import { QuorumError } from '../errors.ts'
import type { WithoutNumber } from './line.ts'
import { byAny, OrderInFlight, type OrderPorts } from './order.ts'
import { answers } from './paths.ts'
import type { Found, Order, QuorumClient, SubmitOptions, WatchedBlock } from './ports.ts'
import { errorOf } from './refusals.ts'

/** A member that is there answers a read within a round trip or two; a fence takes one more. */
const READ_WITHIN_MS = 5_000

/** A member tells nothing of an idle group: after this another one is asked, which may know more. */
const WATCH_WITHIN_MS = 15_000

/** Before the members are asked again where none had an answer. */
const AGAIN_AFTER_MS = 1_000

/** Commands of one client under way: as many as a group's pool takes of one. */
const ORDERS_MAX = 64

export interface ClientOptions {
  readonly clock: Clock
  /** Which member is asked first; the next one the next time, so that no member is asked by all. */
  readonly start: number
  readonly trusted: TrustedCommittee
  /** Who is asked: the members, or, in a member's own process, itself. */
  readonly members: (trusted: TrustedCommittee) => readonly PeerId[]
  readonly ask: OrderPorts['ask']
  /** Another committee has taken over. */
  readonly succeeded: (trusted: TrustedCommittee) => void
  readonly closed: () => void
}

/** Committees remembered, so that what was final in their epochs can still be shown. */
const EPOCHS_TRUSTED_MAX = 64

type Leaves = Extract<ClientAnswer, { type: 'leaves' }>

/** A group as its clients see it: asks members, and hands on what they have shown. */
export class Client implements QuorumClient {
  readonly #options: ClientOptions
  readonly #orders = new Set<OrderInFlight>()
  /** How the epochs from the first trusted one on ended. */
  readonly #closings: Closing[] = []
  /** The newest first. */
  #trusted: readonly [TrustedCommittee, ...TrustedCommittee[]]
  #turn: number
  #isClosed = false

  constructor(options: ClientOptions) {
    this.#options = options
    this.#trusted = [{ ...options.trusted, genuine: new Genuine() }]
    this.#turn = options.start
  }

  submit(command: Uint8Array, { signal, predicate }: SubmitOptions = {}): Order {
    signal?.throwIfAborted()
    if (this.#isClosed) throw new QuorumError('BRUME_QUORUM_STOPPED', 'this client is closed')
    if (command.length < 1 || command.length > COMMAND_BYTES_MAX) {
      throw new QuorumError('BRUME_QUORUM_TOO_LARGE', `a command has 1 to ${COMMAND_BYTES_MAX} bytes`)
    }
    if (this.#orders.size >= ORDERS_MAX) {
      throw new QuorumError('BRUME_QUORUM_POOL_FULL', `${ORDERS_MAX} commands are under way: let some become final`)
    }
    const stop = (): void => order.stop(signal?.reason)
    const order = new OrderInFlight(command, predicate, this.#orderPorts(), () => {
      this.#orders.delete(order)
      signal?.removeEventListener('abort', stop)
    })
    this.#orders.add(order)
    signal?.addEventListener('abort', stop)
    return order
  }

  async read(
    paths: readonly string[],
    level: ReadLevel,
    { atLeast = 0 }: { readonly atLeast?: number } = {}
  ): Promise<Found> {
    let failure: unknown = new QuorumError('BRUME_QUORUM_UNANSWERED', 'no member answered: ask again')
    let absentWeight = 0
    for (const peer of this.#members()) {
      const { groupId, epoch } = this.#newest.committee
      const request = { type: 'read', groupId, epoch, level, atLeast, paths } as const
      try {
        const found = this.#readFound(await this.#once(peer, request, READ_WITHIN_MS), paths, level, atLeast)
        if (found.leaves === null) absentWeight += this.#weightOf(peer)
        // That something is not there cannot be shown: one of those who say so must be honest.
        if (level !== 'certified' || found.leaves !== null || absentWeight > this.#faults()) return found
      } catch (error) {
        if (!isOfMember(error)) throw error
        failure = error
      }
    }
    throw failure
  }

  async *watch(fromHeight = 1): AsyncGenerator<WatchedBlock, void, undefined> {
    for (let from = fromHeight; !this.#isClosed; ) {
      for (const block of await this.#blocks(from)) {
        yield block
        from = block.header.height + 1
      }
    }
  }

  close(): void {
    this.#isClosed = true
    for (const order of [...this.#orders]) order.stop(new QuorumError('BRUME_QUORUM_STOPPED', 'this client is closed'))
    this.#options.closed()
  }

  get #newest(): TrustedCommittee {
    return this.#trusted[0]
  }

  #orderPorts(): OrderPorts {
    return {
      clock: this.#options.clock,
      members: this.#members(),
      weightOf: (peer) => this.#weightOf(peer),
      faults: () => this.#faults(),
      ask: this.#options.ask,
      trusted: () => this.#trusted,
      learned: (verified, bundle) => this.#learned(verified, bundle)
    }
  }

  #members(): readonly PeerId[] {
    const members = this.#options.members(this.#newest)
    this.#turn = (this.#turn + 1) % Math.max(1, members.length)
    return [...members.slice(this.#turn), ...members.slice(0, this.#turn)]
  }

  #weightOf(peer: PeerId): number {
    return this.#newest.members.find((member) => member.peer === peer)?.weight ?? 0
  }

  /** The weight that may lie. In a member's own process only that one is asked, and believed. */
  #faults(): number {
    const asked = this.#options.members(this.#newest)
    return asked.length === 1 ? 0 : this.#newest.committee.faults
  }

  /** Closings that were shown once are kept: whoever gets the bundle from here may know the manifest only. */
  #learned({ header, successors }: Verified, bytes: Uint8Array): Uint8Array {
    const bundle = decodeBundle(bytes)
    const first = this.#options.trusted.committee.epoch
    successors.forEach((next, i) => {
      const closing = bundle.closings[i]
      if (closing === undefined || next.committee.epoch !== this.#newest.committee.epoch + 1) return
      this.#closings.push(closing)
      const [newest, ...older] = this.#trusted
      this.#trusted = [next, newest, ...older.slice(0, EPOCHS_TRUSTED_MAX - 2)]
      this.#options.succeeded(next)
    })
    const closings = this.#closings.slice(0, header.epoch - first)
    if (closings.length === bundle.closings.length || closings.length > BUNDLE_CLOSINGS_MAX) return bytes
    const whole = encodeBundle({ ...bundle, closings })
    return whole.length > BUNDLE_BYTES_MAX ? bytes : whole
  }

  #readFound(answer: ClientAnswer, paths: readonly string[], level: ReadLevel, atLeast: number): Found {
    if (answer.type !== 'leaves') throw new BundleError('MALFORMED', 'the answer is to another question')
    const { height, leaves } = answer
    const bytes = leaves?.map(({ leaf }) => leaf) ?? null
    if (bytes !== null && !answers(paths, bytes)) throw new BundleError('LEAF', 'these are not the leaves asked for')
    if (level !== 'certified' || leaves === null) return { height, leaves: bytes, bundle: null, places: null }
    return { height, leaves: bytes, bundle: this.#shown(answer, leaves, atLeast), places: leaves }
  }

  #shown({ height, bundle }: Leaves, leaves: readonly LeafProof[], atLeast: number): Uint8Array {
    const bytes = bundle ?? new Uint8Array(0)
    const verified = byAny(this.#trusted, (trusted) => verifyFinal(bytes, trusted))
    if (verified.header.height !== height || height < atLeast) {
      throw new BundleError('LEAF', 'the state is older than asked for')
    }
    if (!leaves.every((leaf) => verified.holds(leaf))) throw new BundleError('LEAF', 'a leaf is not of this state')
    return this.#learned(verified, bytes)
  }

  /** The next final blocks, from whichever member has them. */
  async #blocks(from: number): Promise<readonly WatchedBlock[]> {
    for (;;) {
      let prunedWeight = 0
      for (const peer of this.#members()) {
        if (this.#isClosed) return []
        const { groupId, epoch } = this.#newest.committee
        try {
          const answer = await this.#once(peer, { type: 'blocks', groupId, epoch, from }, WATCH_WITHIN_MS)
          return this.#readBlocks(answer, from)
        } catch (error) {
          if (!isOfMember(error)) throw error
          // Blocks that an honest member keeps no more are kept by none for long.
          if (error.code === 'BRUME_QUORUM_PRUNED') prunedWeight += this.#weightOf(peer)
          if (prunedWeight > this.#faults()) throw error
        }
      }
      await new Promise<void>((go) => this.#options.clock.after(AGAIN_AFTER_MS, go))
    }
  }

  #readBlocks(answer: ClientAnswer, from: number): readonly WatchedBlock[] {
    if (answer.type !== 'blocks') throw new BundleError('MALFORMED', 'the answer is to another question')
    const verified = byAny(this.#trusted, (trusted) => verifyFinal(answer.bundle, trusted))
    this.#learned(verified, answer.bundle)
    const upwards = verified.headers.toReversed()
    // What follows a closing block in its epoch made it final and is no part of the log.
    const closing = upwards.findIndex(({ nextCommittee }) => nextCommittee !== null)
    const headers = closing === -1 ? upwards : upwards.slice(0, closing + 1)
    if (verified.header.height !== from) throw new BundleError('HEADERS', 'these are other blocks than asked for')
    return answer.payloads.slice(0, headers.length).map((payload, i) => {
      const header = headers[i]
      if (header === undefined || !equal(hash(DOMAIN.quorumBody, payload), header.bodyDigest)) {
        throw new BundleError('HEADERS', 'a payload is not of its block')
      }
      return { header, payload }
    })
  }

  #once(peer: PeerId, request: WithoutNumber, withinMs: number): Promise<ClientAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<ClientAnswer>()
    let cancel: Cancel = () => {}
    const late = this.#options.clock.after(withinMs, () =>
      reject(new QuorumError('BRUME_QUORUM_UNANSWERED', 'a member did not answer in time'))
    )
    cancel = this.#options.ask(peer, request, (answer) => {
      if (answer.type === 'refused') reject(errorOf(answer))
      else resolve(answer)
    })
    return promise.finally(() => {
      late()
      cancel()
    })
  }
}

/** A fault of the member that was asked: another one may do better. */
function isOfMember(error: unknown): error is QuorumError | BundleError {
  return error instanceof QuorumError || error instanceof BundleError
}
