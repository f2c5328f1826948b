import { asArray, type CborValue, decode, encode, toHex } from '@brume/codec'
import type { Committee } from '@brume/consensus'
import { DOMAIN, hash, type Identity } from '@brume/crypto'
import type { Channel, Net, PeerId } from '@brume/ports'
import {
  CLIENT_PROTOCOL,
  type ClientAnswer,
  decodeClientFrame,
  decodePageAnswer,
  decodeSyncRequest,
  encodeClientAnswer,
  encodePageAnswer,
  QUORUM_PROTOCOL,
  SYNC_PROTOCOL
} from '@brume/protocols/quorum'
import { replace, type SimRandom } from '@brume/testkit'
import { PROPOSE, proposalOf, proposeTwin, type SeenProposal, type Twin } from '../../peer/byzantine/forge.ts'
import { Misbehaviour } from '../../peer/byzantine/misbehave.ts'
import { interpose } from '../../peer/interpose.ts'
import { BEHAVIOURS } from '../../runner/messages.ts'
import { pick } from '../world/streams.ts'
import type { WholeRole } from './options.ts'

/** Of its answers to clients so many are lies. */
const LIES = 0.7
/** Answers kept to be told again where they do not belong. */
const REMEMBERED_MAX = 64
/** Where a header says what its body is (quorum.md 4). */
const BODY = { digest: 7, bytes: 8, count: 9 } as const
const PAYLOAD_BYTES_MAX = 131_072
const REFUSALS = ['NOT_ADMITTED', 'EXPIRED', 'SEQUENCE_OLD', 'PRUNED', 'HALTED', 'NONSENSE']

/** Who sits where, as the liar's own group has it now. */
export interface Seats {
  readonly committee: Committee
  readonly members: readonly PeerId[]
}

export interface LiarOptions {
  readonly identity: Identity
  readonly roles: readonly WholeRole[]
  readonly accomplices: readonly PeerId[]
  readonly seats: () => Seats
  readonly random: SimRandom
}

/** The network of a member that runs the production code inside and breaks its promises on the wire. */
export function lyingNet(net: Net, options: LiarOptions): Net {
  const { roles, random } = options
  let wrapped = misbehaving(net, options)
  if (roles.includes('replay')) wrapped = replaying(wrapped, options)
  if (roles.includes('lies-to-clients')) wrapped = lyingToClients(wrapped, new Tongue(random))
  if (roles.includes('bad-pages')) wrapped = servingBadPages(wrapped, random)
  return wrapped
}

/** Signs for whatever committee decides now. */
function misbehaving(net: Net, { identity, roles, accomplices, seats }: LiarOptions): Net {
  const behaviour = BEHAVIOURS.find((name) => (roles as readonly string[]).includes(name))
  if (behaviour === undefined) return net
  const misbehaviour = new Misbehaviour({
    identity,
    self: identity.peerId,
    accomplices,
    get committee() {
      return seats().committee
    },
    get members() {
      return seats().members
    },
    clientKey: () => ''
  })
  misbehaviour.behave({ behaviour, clients: [], delayMs: 0 })
  return misbehaviour.wrap(net)
}

/** When it leads, its block brings a command of an earlier one along. */
function replaying(net: Net, { identity, seats }: LiarOptions): Net {
  const twins = new Map<string, Uint8Array>()
  let old: CborValue | undefined
  const twinOfFrame = (body: Uint8Array): Uint8Array => {
    const seen = proposalOf(body)
    const { committee, members } = seats()
    const { leaders } = committee
    const leads = seen !== undefined && members[leaders[(seen.view - 1) % leaders.length] ?? -1] === identity.peerId
    if (!leads || seen.epoch !== committee.epoch) return body
    const known = twins.get(seen.digest)
    if (known !== undefined) return known
    const { twin, first } = withCommand(seen, old)
    old ??= first
    const frame = twin === undefined ? body : proposeTwin({ committee, identity }, body, seen, twin)
    twins.set(seen.digest, frame)
    return frame
  }
  return interpose(net, QUORUM_PROTOCOL.id, {
    send: (_, body, pass) => pass(body[0] === PROPOSE ? twinOfFrame(body) : body)
  })
}

/** The same block with one more command at its end, and the first of its own. */
function withCommand(seen: SeenProposal, command: CborValue | undefined): { twin?: Twin; first?: CborValue } {
  if (!(seen.payload instanceof Uint8Array)) return {}
  const [version = 1, timeMs = 0, list = null] = asArray(
    decode(seen.payload, { bytesMax: PAYLOAD_BYTES_MAX }),
    'payload',
    3
  )
  const commands = asArray(list, 'commands', { min: 0, max: 1_024 })
  const first = commands[0]
  if (command === undefined) return first === undefined ? {} : { first }
  const payload = encode([version, timeMs, [...commands, command]])
  const fields = [...seen.header]
  fields[BODY.digest] = hash(DOMAIN.quorumBody, payload)
  fields[BODY.bytes] = payload.length
  fields[BODY.count] = commands.length + 1
  const header = encode(fields)
  return { twin: { digest: toHex(hash(DOMAIN.quorumBlock, header)), header, payload } }
}

function lyingToClients(net: Net, tongue: Tongue): Net {
  return replace(net, {
    channel: (protocol, handler) => {
      const channel = net.channel(protocol, handler)
      if (protocol.id !== CLIENT_PROTOCOL.id) return channel
      return replace<Channel>(channel, { send: (peer, body) => channel.send(peer, tongue.bend(body)) })
    }
  })
}

/** Wrong, stale and forged answers. */
class Tongue {
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
    switch (this.#random.below(4)) {
      case 0:
        return { number, type: 'refused', code: pick(this.#random, REFUSALS), height: 1, message: 'no' }
      case 1:
        return { ...pick(this.#random, same), number }
      default:
        return this.#forge(answer)
    }
  }

  #forge(answer: ClientAnswer): ClientAnswer {
    switch (answer.type) {
      case 'notarized':
      case 'final':
        return { ...answer, type: 'final', bundle: flip(this.#random, answer.bundle) }
      case 'attested':
        return { ...answer, bundle: flip(this.#random, answer.bundle) }
      case 'leaves': {
        const leaves = answer.leaves?.map((place) => ({ ...place, leaf: flip(this.#random, place.leaf) })) ?? null
        return { ...answer, leaves }
      }
      case 'fenced':
        return { ...answer, certificate: null }
      case 'blocks':
        return { ...answer, payloads: answer.payloads.map((payload) => flip(this.#random, payload)) }
      default:
        return answer
    }
  }
}

/** Leaves of states that are not what was certified. */
function servingBadPages(net: Net, random: SimRandom): Net {
  return replace(net, {
    serve: (protocol, answer) => {
      if (protocol.id !== SYNC_PROTOCOL.id) return net.serve(protocol, answer)
      return net.serve(protocol, async (from, body) => {
        const bytes = await answer(from, body)
        if (decodeSyncRequest(body).type !== 'page') return bytes
        const page = decodePageAnswer(bytes)
        if (page === null || page.leaves.length === 0) return bytes
        const leaves = page.leaves.with(-1, flip(random, page.leaves.at(-1) ?? new Uint8Array(1)))
        return encodePageAnswer({ ...page, leaves })
      })
    }
  })
}

function flip(random: SimRandom, bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length)
  return bytes.with(at, (bytes[at] ?? 0) ^ (1 << random.below(8)))
}
