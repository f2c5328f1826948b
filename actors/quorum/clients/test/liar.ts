import type { Channel, Net } from '@brume/ports'
import { CLIENT_PROTOCOL, type ClientAnswer, decodeClientFrame, encodeClientAnswer } from '@brume/protocols/quorum'
import { replace, type SimRandom } from '@brume/testkit'

/** Of its answers so many are lies. */
const LIES = 0.7

/** Answers kept to be told again where they do not belong. */
const REMEMBERED_MAX = 64

const REFUSALS = ['NOT_ADMITTED', 'EXPIRED', 'SEQUENCE_OLD', 'PRUNED', 'HALTED', 'NONSENSE']

/** The network of a member that keeps to the protocol among members and lies to clients: wrong, stale and forged answers. */
export function lyingNet(net: Net, random: SimRandom): Net {
  const liar = new Liar(random)
  return replace(net, {
    channel: (protocol, handler) => {
      const channel = net.channel(protocol, handler)
      return protocol.id === CLIENT_PROTOCOL.id ? lyingChannel(channel, liar) : channel
    }
  })
}

function lyingChannel(channel: Channel, liar: Liar): Channel {
  return replace(channel, { send: (peer, body) => channel.send(peer, liar.bend(body)) })
}

class Liar {
  readonly #random: SimRandom
  readonly #said: ClientAnswer[] = []

  constructor(random: SimRandom) {
    this.#random = random
  }

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
