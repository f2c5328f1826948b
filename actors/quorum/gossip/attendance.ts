import { verify } from '@brume/crypto'
import type { Verdict } from '@brume/ports'
import { type Presence, presenceBytes } from '@brume/protocols/quorum'
import type { Epoch } from '../epoch.ts'

/** A member that wants to begin says so every 5 s; it counts for three of these. */
const PRESENT_MS = 15_000

/** Whoever hears that answers, at most this often, however many say it. */
const ANSWER_GAP_MS = 2_000

/** Everybody hears every answer, and checks and relays it: ten a second, however many members there are. */
const ANSWER_GAP_PER_MEMBER_MS = 100

/** As long as streams keep opening, a member needs nobody in the topic; a group of many that starts would flood itself. */
const SETTLED_MS = 3_000

/** Of one member's presence, which anybody can say again, so much is relayed. */
const RELAY_GAP_MS = 1_000

export interface AttendanceOptions {
  readonly sign: (bytes: Uint8Array) => Uint8Array
  readonly publish: (presence: Presence) => void
  readonly dropped: (cause: string) => void
}

/**
 * Who is there without a stream from here. A member begins to vote once a quorum is within reach, and where few are
 * connected to it that is all it can go by. It decides nothing else: an old presence may be said again by anybody.
 */
export class Attendance {
  readonly #options: AttendanceOptions
  readonly #heardMs = new Map<number, number>()
  #epoch = -1
  #saidMs = Number.NEGATIVE_INFINITY
  /** The most weight that streams have reached in this epoch, and since when. */
  #reached = 0
  #reachedMs = Number.NEGATIVE_INFINITY

  constructor(options: AttendanceOptions) {
    this.#options = options
  }

  isPresent({ epoch }: Epoch, member: number, nowMs: number): boolean {
    return epoch === this.#epoch && nowMs - (this.#heardMs.get(member) ?? Number.NEGATIVE_INFINITY) < PRESENT_MS
  }

  /** A stream opened or closed. One that comes and goes is no progress. */
  linked(epoch: Epoch, nowMs: number): void {
    this.#turn(epoch.epoch)
    const weight = epoch.reachedWeight(() => false)
    if (weight <= this.#reached) return
    this.#reached = weight
    this.#reachedMs = nowMs
  }

  /** This member finds no quorum. */
  seek(epoch: Epoch, nowMs: number): void {
    this.#turn(epoch.epoch)
    if (nowMs - this.#reachedMs >= SETTLED_MS) this.#say(epoch, nowMs)
  }

  #say({ self, epoch, committee }: Epoch, nowMs: number): void {
    if (self === null) return
    this.#saidMs = nowMs
    this.#options.publish({ epoch, signer: self, signature: this.#options.sign(presenceBytes(committee)) })
  }

  hear(epoch: Epoch, { epoch: number, signer, signature }: Presence, nowMs: number): Verdict {
    if (number !== epoch.epoch) return this.#drop('gossip: epoch')
    this.#turn(number)
    if (nowMs - (this.#heardMs.get(signer) ?? Number.NEGATIVE_INFINITY) < RELAY_GAP_MS)
      return this.#drop('gossip: repeated')
    const key = epoch.committee.members[signer]?.key
    if (key === undefined || !verify(key, presenceBytes(epoch.committee), signature)) {
      this.#drop('gossip: forged')
      return 'reject'
    }
    this.#heardMs.set(signer, nowMs)
    if (!epoch.isConnected(signer) && nowMs - this.#saidMs >= answerGapMs(epoch)) this.#say(epoch, nowMs)
    return 'accept'
  }

  #turn(epoch: number): void {
    if (epoch === this.#epoch) return
    this.#epoch = epoch
    this.#heardMs.clear()
    this.#reached = 0
    this.#reachedMs = Number.NEGATIVE_INFINITY
  }

  #drop(cause: string): Verdict {
    this.#options.dropped(cause)
    return 'ignore'
  }
}

function answerGapMs({ committee }: Epoch): number {
  return Math.max(ANSWER_GAP_MS, ANSWER_GAP_PER_MEMBER_MS * committee.members.length)
}
