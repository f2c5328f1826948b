import { type ClientAnswer, decodeClientFrame, encodeClientAnswer } from '@brume/protocols/quorum'

/** Of its answers so many are lies. */
const LIES = 0.7

/** Answers kept to be told again where they do not belong. */
const REMEMBERED_MAX = 64

const REFUSALS = ['NOT_ADMITTED', 'EXPIRED', 'SEQUENCE_OLD', 'PRUNED', 'HALTED', 'NONSENSE']

/** A seeded source of chance, as `SimRandom` of @brume/testkit is. */
export interface Dice {
  /** Uniform in 0..limit-1. */
  below(limit: number): number
  /** True in this share of all throws. */
  chance(share: number): boolean
}

/** Of a member that keeps to the protocol among members: wrong, stale and forged answers to clients. */
export class ClientLiar {
  readonly #random: Dice
  readonly #said: ClientAnswer[] = []

  constructor(random: Dice) {
    this.#random = random
  }

  /** A frame of the client protocol as it leaves. */
  bend(body: Uint8Array): Uint8Array {
    const frame = decodeClientFrame(body)
    if ('request' in frame) return body
    const { answer } = frame
    this.#said.push(answer)
    if (this.#said.length > REMEMBERED_MAX) this.#said.shift()
    return this.#random.chance(LIES) ? encodeClientAnswer(this.#lie(answer)) : body
  }

  #lie(answer: ClientAnswer): ClientAnswer {
    const { number } = answer
    const same = this.#said.filter(({ type }) => type === answer.type)
    const other = same[this.#random.below(same.length)] ?? answer
    switch (this.#random.below(4)) {
      case 0:
        return { number, type: 'refused', code: this.#pick(REFUSALS), height: 1, message: 'no' }
      case 1:
        return { ...other, number }
      case 2:
        return answer.type === 'fenced' ? { ...answer, certificate: null } : this.#forge(answer)
      default:
        return this.#forge(answer)
    }
  }

  #forge(answer: ClientAnswer): ClientAnswer {
    switch (answer.type) {
      case 'notarized':
      case 'final':
        return { ...answer, type: 'final', bundle: this.#flip(answer.bundle) }
      case 'attested':
        return { ...answer, bundle: this.#flip(answer.bundle) }
      case 'leaves': {
        const leaves = answer.leaves?.map((place) => ({ ...place, leaf: this.#flip(place.leaf) })) ?? null
        return { ...answer, leaves }
      }
      case 'fenced': {
        const { certificate } = answer
        return { ...answer, certificate: certificate && { ...certificate, view: certificate.view + 1_000 } }
      }
      case 'blocks':
        return { ...answer, payloads: answer.payloads.map((payload) => this.#flip(payload)) }
      default:
        return answer
    }
  }

  #flip(bytes: Uint8Array): Uint8Array {
    const at = this.#random.below(bytes.length)
    return bytes.with(at, (bytes[at] ?? 0) ^ (1 << this.#random.below(8)))
  }

  #pick<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    return list[this.#random.below(list.length)] as T
  }
}
