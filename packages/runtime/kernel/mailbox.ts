import type { Event } from '../logic/port.ts'
import type { CellTimer } from './cell.ts'
import type { Mailbox as MailboxOptions, Refusal } from './port.ts'

/** Far above what a healthy actor leaves waiting; at 1 KiB an event a full mailbox is 1 MiB. */
export const MAILBOX_EVENTS_MAX = 1_024
/** What one actor may be asked to hold: at 64 KiB an event already 4 GiB, were the bytes not bounded too. */
export const MAILBOX_EVENTS_LIMIT = 65_536
/** Encoded bytes of remote events: strangers choose their size. */
export const MAILBOX_BYTES_MAX = 1_048_576
/** Below this many taken places the array is not worth moving. */
const COMPACT_MIN = 512
/** Places that an empty one keeps: as many as the engine allots for the first event. */
const KEPT_MAX = 16

/** How an event counts. `own` ones come from the actor's timers, children, effects and watches, and end with its incarnation. */
export type Rank = 'user' | 'control' | 'own'

/** Told what became of one event; one of the two, once. */
export interface Receipt {
  /** @param seq - events processed by this incarnation; @param batch - what the answer depends on */
  processed(seq: number, batch: number): void
  refused(code: Refusal | 'unreachable'): void
}

export interface Mail {
  readonly event: Event
  /** Address with incarnation; null from the actor's own timers, children and effects. */
  readonly from: string | null
  readonly rank: Rank
  /** The highest batch that the event depends on. */
  readonly batch: number
  /** Names the ask that waits for an answer. */
  readonly ask: string | null
  /** Encoded size of a remote event, else 0. */
  readonly bytes: number
  /** Monotonic ms after which it is not delivered any more. */
  readonly expiresMs: number
  readonly receipt: Receipt | null
  /** 16 bytes by which its answer is found again; null: none, or kept nowhere. */
  readonly key: Uint8Array | null
  /** In the batch in which it is processed or lost: whoever holds it need not hand it over again. */
  readonly consumed: (() => void) | null
  /** The own timer that it is of. */
  readonly timer: CellTimer | null
}

/** What became of an event at the door. */
export type Put =
  | { readonly kind: 'taken' }
  /** Older ones had to go for it. */
  | { readonly kind: 'displaced'; readonly mails: readonly Mail[] }
  /** `waits`: by the policy the sender may wait for room. */
  | { readonly kind: 'full'; readonly waits: boolean }

const TAKEN: Put = { kind: 'taken' }

/** Events in order of arrival. Only those of rank `user` are bounded and dropped. */
export class Mailbox {
  readonly #max: number
  readonly #overflow: NonNullable<MailboxOptions['overflow']>
  /** Displaced ones leave a hole, so that the others need not move. */
  readonly #waiting: (Mail | undefined)[] = []
  readonly #wanting: (() => void)[] = []
  #head = 0
  /** Behind the last: places from here on are empty, and kept for those to come. */
  #tail = 0
  #length = 0
  #users = 0
  #bytes = 0

  constructor(options: MailboxOptions = {}) {
    this.#max = options.max ?? MAILBOX_EVENTS_MAX
    this.#overflow = options.overflow ?? 'reject'
  }

  get length(): number {
    return this.#length
  }

  put(mail: Mail): Put {
    if (mail.rank !== 'user' || this.#fits(mail.bytes)) return this.#push(mail)
    if (this.#overflow !== 'dropOldest') return { kind: 'full', waits: this.#overflow === 'block' }
    const mails = this.#makeRoom(mail.bytes)
    this.#push(mail)
    return { kind: 'displaced', mails }
  }

  take(): Mail | undefined {
    while (this.#head < this.#tail) {
      const mail = this.#waiting[this.#head]
      this.#waiting[this.#head++] = undefined
      if (mail === undefined) continue
      this.#count(mail, -1)
      if (this.#head === this.#tail || this.#head >= COMPACT_MIN) this.#compact()
      if (this.#wanting.length > 0 && this.#fits(0)) this.#wanting.shift()?.()
      return mail
    }
    return undefined
  }

  /** Calls once there may be room again. The first to ask is the first to be told. */
  onRoom(run: () => void): void {
    this.#wanting.push(run)
  }

  /** Takes out those of these ranks; all of them without. */
  clear(rank?: Rank): readonly Mail[] {
    const out: Mail[] = []
    const rest: Mail[] = []
    for (const mail of this.#waiting) if (mail) (rank === undefined || mail.rank === rank ? out : rest).push(mail)
    for (const mail of out) this.#count(mail, -1)
    this.#waiting.length = 0
    for (const mail of rest) this.#waiting.push(mail)
    this.#head = 0
    this.#tail = rest.length
    if (rank === undefined) for (const run of this.#wanting.splice(0)) run()
    return out
  }

  #fits(bytes: number): boolean {
    return this.#users < this.#max && this.#bytes + bytes <= MAILBOX_BYTES_MAX
  }

  #push(mail: Mail): Put {
    this.#waiting[this.#tail++] = mail
    this.#count(mail, 1)
    return TAKEN
  }

  #count(mail: Mail, sign: 1 | -1): void {
    this.#length += sign
    if (mail.rank !== 'user') return
    this.#users += sign
    this.#bytes += sign * mail.bytes
  }

  /** Control events keep their places. */
  #makeRoom(bytes: number): Mail[] {
    const mails: Mail[] = []
    for (let at = this.#head; at < this.#tail && !this.#fits(bytes); at++) {
      const mail = this.#waiting[at]
      if (mail?.rank !== 'user') continue
      this.#waiting[at] = undefined
      this.#count(mail, -1)
      mails.push(mail)
    }
    return mails
  }

  #compact(): void {
    const isEmpty = this.#head === this.#tail
    if (!isEmpty && this.#head * 2 < this.#tail) return
    if (!isEmpty || this.#tail > KEPT_MAX) {
      this.#waiting.length = this.#tail
      this.#waiting.splice(0, this.#head)
    }
    this.#tail -= this.#head
    this.#head = 0
  }
}
