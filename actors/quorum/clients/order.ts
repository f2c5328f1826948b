import { toHex } from '@brume/codec'
import type { Cancel, Clock, PeerId } from '@brume/ports'
import {
  BundleError,
  bodyOf,
  type ClientAnswer,
  commandId,
  decodeBundle,
  decodeCall,
  EXPIRY_MAX_MS,
  type Predicate,
  readBlock,
  type TrustedCommittee,
  type Verified,
  verifyFinal,
  verifyNotarized
} from '@brume/protocols/quorum'
import { QuorumError, type QuorumErrorCode } from '../errors.ts'
import type { WithoutNumber } from './line.ts'
import { isLeafOf } from './paths.ts'
import type { Order, Proven } from './ports.ts'
import { errorOf, isLasting } from './refusals.ts'

/** Two members at once, so that one that is down costs nothing; all of them when neither has answered after a second. */
const FIRST_ASKED = 2
const ALL_AFTER_MS = 1_000
const AGAIN_EVERY_MS = 2_000

/** After its expiry a command may still stand in a block that is on its way. */
const GRACE_MS = 10_000

/** For so long an answer is awaited after finality: a program may attest nothing. */
const ATTESTED_WITHIN_MS = 10_000

/** What the tracking of an order needs of its client. */
export interface OrderPorts {
  readonly clock: Clock
  /** In the order in which they are to be asked. */
  readonly members: readonly PeerId[]
  readonly weightOf: (peer: PeerId) => number
  /** The weight that may lie, in the same committee as `weightOf`. */
  readonly faults: () => number
  readonly ask: (peer: PeerId, request: WithoutNumber, hear: (answer: ClientAnswer) => void) => Cancel
  /** Every committee that is trusted, the newest first. */
  readonly trusted: () => readonly [TrustedCommittee, ...TrustedCommittee[]]
  /** Takes what a bundle has shown, and gives it back as one that needs the manifest alone. */
  readonly learned: (verified: Verified, bundle: Uint8Array) => Uint8Array
}

/** Follows one command: asks, asks again, believes nothing that is not shown, and lets one liar decide nothing. */
export class OrderInFlight implements Order {
  readonly id: string
  readonly #ports: OrderPorts
  readonly #command: Uint8Array
  readonly #predicate: Predicate | undefined
  readonly #notarized = Promise.withResolvers<Proven>()
  readonly #final = Promise.withResolvers<Proven>()
  readonly #attested = Promise.withResolvers<Proven & { readonly answer: Uint8Array }>()
  readonly #asked = new Map<PeerId, Cancel>()
  /** What each member last refused with; what it says next replaces it. */
  readonly #refusals = new Map<PeerId, QuorumError>()
  readonly #liars = new Set<PeerId>()
  /** Digests of blocks whose payload was seen to hold the command. */
  readonly #shown = new Set<string>()
  readonly #ended: () => void
  #timer: Cancel = () => {}
  #isFinal = false
  #isOver = false
  #deadlineMs: number

  constructor(command: Uint8Array, predicate: Predicate | undefined, ports: OrderPorts, ended: () => void) {
    this.id = toHex(commandId(command))
    this.#command = command
    this.#predicate = predicate
    this.#ports = ports
    this.#ended = ended
    this.#deadlineMs = expiryOf(command, ports.clock.wall()) + GRACE_MS
    for (const { promise } of [this.#notarized, this.#final, this.#attested]) promise.catch(() => {})
    for (const peer of ports.members.slice(0, FIRST_ASKED)) this.#ask(peer)
    this.#timer = ports.clock.after(ALL_AFTER_MS, () => this.#askAll())
  }

  get notarized(): Promise<Proven> {
    return this.#notarized.promise
  }

  get final(): Promise<Proven> {
    return this.#final.promise
  }

  get attested(): Promise<Proven & { readonly answer: Uint8Array }> {
    return this.#attested.promise
  }

  stop(error: unknown): void {
    for (const promise of [this.#notarized, this.#final, this.#attested]) promise.reject(error)
    this.#end()
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer()
    for (const cancel of this.#asked.values()) cancel()
    this.#asked.clear()
    this.#ended()
  }

  #ask(peer: PeerId): void {
    this.#asked.get(peer)?.()
    if (this.#liars.has(peer)) return
    const { groupId, epoch } = this.#ports.trusted()[0].committee
    const everySigner = this.#predicate !== undefined
    const request = { type: 'order', groupId, epoch, everySigner, command: this.#command } as const
    this.#asked.set(
      peer,
      this.#ports.ask(peer, request, (answer) => this.#hear(peer, answer))
    )
  }

  #askAll(): void {
    const { clock, members } = this.#ports
    this.#timer()
    if (clock.wall() > this.#deadlineMs) return this.stop(this.#lastWord())
    for (const peer of members) if (!this.#isOver) this.#ask(peer)
    if (!this.#isOver) this.#timer = clock.after(AGAIN_EVERY_MS, () => this.#askAll())
  }

  /** Nobody has shown what became of it: what one last said of itself, or that nobody did. One alone refuses nothing for good. */
  #lastWord(): QuorumError {
    const passing = (code: QuorumErrorCode) => !isLasting(code) || code === 'BRUME_QUORUM_PREDICATE'
    const last = [...this.#refusals.values()].findLast(({ code }) => passing(code))
    return last ?? new QuorumError('BRUME_QUORUM_UNANSWERED', 'nobody said what became of the command: ask again')
  }

  #hear(peer: PeerId, answer: ClientAnswer): void {
    if (this.#isOver) return
    try {
      switch (answer.type) {
        case 'notarized':
          return this.#hearNotarized(answer.bundle, answer.payload)
        case 'final':
          return this.#hearFinal(answer.bundle, answer.payload)
        case 'attested':
          return this.#hearAttested(answer.bundle)
        case 'refused':
          return this.#hearRefusal(peer, errorOf(answer))
        default:
          this.#liars.add(peer)
      }
    } catch (error) {
      this.#disbelieve(peer, error)
    }
  }

  /** Somebody else may yet show what the client wants; who shows nonsense is not asked again. */
  #disbelieve(peer: PeerId, error: unknown): void {
    if (error instanceof BundleError && error.reason === 'PREDICATE') {
      return this.#hearRefusal(peer, new QuorumError('BRUME_QUORUM_PREDICATE', error.message))
    }
    this.#liars.add(peer)
    this.#asked.get(peer)?.()
  }

  #hearNotarized(bundle: Uint8Array, payload: Uint8Array | null): void {
    const verified = byAny(this.#ports.trusted(), (trusted) => verifyNotarized(bundle, trusted))
    this.#requireHolds(bundle, verified, payload)
    this.#notarized.resolve(this.#provenBy(bundle, verified))
  }

  #hearFinal(bundle: Uint8Array, payload: Uint8Array | null): void {
    const { clock } = this.#ports
    const verified = byAny(this.#ports.trusted(), (trusted) => verifyFinal(bundle, trusted, this.#predicate))
    this.#requireHolds(bundle, verified, payload)
    const proven = this.#provenBy(bundle, verified)
    this.#notarized.resolve(proven)
    this.#final.resolve(proven)
    if (this.#isFinal) return
    this.#isFinal = true
    this.#deadlineMs = Math.min(this.#deadlineMs, clock.wall() + ATTESTED_WITHIN_MS)
  }

  #hearAttested(bundle: Uint8Array): void {
    // A finality that satisfies the client has been shown before; the attestation's own has no more signers than it needs.
    const predicate = this.#isFinal ? undefined : this.#predicate
    const verified = byAny(this.#ports.trusted(), (trusted) => verifyFinal(bundle, trusted, predicate))
    const answer = verified.leaf
    if (answer === null || !isLeafOf(`answer/${this.id}`, answer)) {
      throw new BundleError('LEAF', 'this is not the answer to the command')
    }
    const proven = this.#provenBy(bundle, verified)
    this.#notarized.resolve(proven)
    this.#final.resolve(proven)
    this.#attested.resolve({ ...proven, answer })
    this.#end()
  }

  #provenBy(bundle: Uint8Array, verified: Verified): Proven {
    const { height, view } = verified.header
    return { height, view, bundle: this.#ports.learned(verified, bundle) }
  }

  /** One member may say what it likes: more than F must say the same before it counts, so that one of them is honest. */
  #hearRefusal(peer: PeerId, error: QuorumError): void {
    const { members, weightOf, faults } = this.#ports
    this.#refusals.set(peer, error)
    const same = [...this.#refusals].filter(([, { code }]) => code === error.code)
    const weight = same.reduce((sum, [by]) => sum + weightOf(by), 0)
    const isDecided = error.code === 'BRUME_QUORUM_PREDICATE' ? same.length === members.length : weight > faults()
    if (isLasting(error.code) && isDecided) return this.stop(error)
    for (const other of members) if (!this.#asked.has(other) && !this.#isOver) this.#ask(other)
  }

  #requireHolds(bundle: Uint8Array, { header }: Verified, payload: Uint8Array | null): void {
    if (payload === null && this.#shown.has(header.digest)) return
    const bytes = decodeBundle(bundle).headers.at(-1)
    const block = payload === null || bytes === undefined ? undefined : readBlock(header.groupId, bytes, payload)
    if (block === undefined || !bodyOf(block).commands.some(({ id }) => id === this.id)) {
      throw new BundleError('HEADERS', 'the command is not in this block')
    }
    this.#shown.add(header.digest)
  }
}

/** What was final long ago is shown by the committee of its time. @throws BundleError */
export function byAny(
  trusted: readonly [TrustedCommittee, ...TrustedCommittee[]],
  verify: (trusted: TrustedCommittee) => Verified
): Verified {
  const [newest, ...older] = trusted
  for (const one of [newest, ...older]) {
    try {
      return verify(one)
    } catch (error) {
      if (!(error instanceof BundleError && error.reason === 'EPOCH')) throw error
    }
  }
  return verify(newest)
}

/** A command that is no call tells nobody but its program when it expires: no later than any other. */
function expiryOf(command: Uint8Array, wallMs: number): number {
  try {
    return Math.min(decodeCall(command).expiresMs, wallMs + EXPIRY_MAX_MS)
  } catch {
    return wallMs + EXPIRY_MAX_MS
  }
}
