import type { Cancel, Clock, Topic } from '@brume/ports'
import { type Evidence, encodeEvidence, encodeGossip, GOSSIP } from '@brume/protocols/quorum'

/** What one reporter publishes within a minute: more would be an attack on those who must check it. */
const PER_WINDOW = 4
const WINDOW_MS = 60_000

/** Of evidence that waits to be told; the rest is told by whoever else has it, and by its command. */
const WAITING_MAX = 64

/** Nobody was there to hear: gossip swallows the same bytes for 120 s. */
const AGAIN_MS = 125_000
const TRIES_MAX = 3

interface Telling {
  readonly bytes: Uint8Array
  readonly tries: number
}

/** Tells everybody in the group's topic what is proven, at a bounded pace. */
export class Publisher {
  readonly #topic: Topic
  readonly #clock: Clock
  readonly #waiting: Telling[] = []
  readonly #sentMs: number[] = []
  readonly #timers = new Set<Cancel>()
  #isArmed = false

  constructor(topic: Topic, clock: Clock) {
    this.#topic = topic
    this.#clock = clock
  }

  publish(evidence: Evidence): void {
    this.#queue({ bytes: encodeGossip(GOSSIP.evidence, encodeEvidence(evidence)), tries: 0 })
  }

  stop(): void {
    for (const cancel of this.#timers) cancel()
    this.#timers.clear()
    this.#waiting.length = 0
  }

  #queue(telling: Telling): void {
    if (this.#waiting.length >= WAITING_MAX) return
    this.#waiting.push(telling)
    this.#send()
  }

  #send(): void {
    const nowMs = this.#clock.now()
    while (this.#sentMs.length > 0 && nowMs - (this.#sentMs[0] ?? 0) >= WINDOW_MS) this.#sentMs.shift()
    while (this.#sentMs.length < PER_WINDOW) {
      const telling = this.#waiting.shift()
      if (telling === undefined) return
      this.#sentMs.push(nowMs)
      void this.#tell(telling)
    }
    if (this.#waiting.length === 0 || this.#isArmed) return
    this.#isArmed = true
    this.#after((this.#sentMs[0] ?? nowMs) + WINDOW_MS - nowMs, () => {
      this.#isArmed = false
      this.#send()
    })
  }

  async #tell({ bytes, tries }: Telling): Promise<void> {
    const recipients = await this.#topic.publish(bytes, { flood: true }).then(
      (told) => told.recipients,
      // No mesh yet: as if nobody had been there.
      () => 0
    )
    if (recipients > 0 || tries + 1 >= TRIES_MAX) return
    this.#after(AGAIN_MS, () => this.#queue({ bytes, tries: tries + 1 }))
  }

  #after(delayMs: number, run: () => void): void {
    const cancel = this.#clock.after(delayMs, () => {
      this.#timers.delete(cancel)
      run()
    })
    this.#timers.add(cancel)
  }
}
