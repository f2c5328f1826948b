import { ClientLiar } from '@brume/actors/quorum/testing'
import { asArray, type CborValue, decode, encode, toHex } from '@brume/codec'
import type { Committee } from '@brume/consensus'
import { RESULT, signedSlotBytes } from '@brume/consensus/slot'
import { DOMAIN, hash, type Identity, sha256 } from '@brume/crypto'
import type { Clock, Net, PeerId } from '@brume/ports'
import {
  CLIENT_PROTOCOL,
  decodePageAnswer,
  decodeSlotFrame,
  decodeSyncRequest,
  encodePageAnswer,
  encodeSlotFrame,
  QUORUM_PROTOCOL,
  SLOT_PROTOCOL,
  SLOT_VALUE_PROTOCOL,
  SYNC_PROTOCOL
} from '@brume/protocols/quorum'
import { replace, type SimRandom } from '@brume/testkit'
import { PROPOSE, proposalOf, proposeTwin, type SeenProposal, type Twin } from '../../peer/byzantine/forge.ts'
import { Misbehaviour } from '../../peer/byzantine/misbehave.ts'
import { interpose } from '../../peer/interpose.ts'
import { BEHAVIOURS } from '../../runner/messages.ts'
import { between } from '../world/streams.ts'
import { type FloodPlan, floodingNet } from './flood.ts'
import type { WholeRole } from './options.ts'

/** Where a header says what its body is (quorum.md 4). */
const BODY = { digest: 7, bytes: 8, count: 9 } as const
const PAYLOAD_BYTES_MAX = 131_072
/** Of its frames so many are changed on their way out, and then refused with the stream they came on. */
const MUTATED = 0.05

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
  /** Of the members' slots. */
  readonly slotCommittee: Committee
  readonly random: SimRandom
  readonly clock: Clock
  /** Of those that flood. */
  readonly flood: FloodPlan
  /** A line that such a one may have ordered. */
  readonly wrote: (line: string) => void
}

/** The network of a member that runs the production code inside and breaks its promises on the wire. */
export function lyingNet(net: Net, options: LiarOptions): Net {
  const { roles, random } = options
  let wrapped = misbehaving(roles.includes('mutate') ? mutating(net, random) : net, options)
  if (roles.includes('replay')) wrapped = replaying(wrapped, options)
  if (roles.includes('lies-to-clients')) wrapped = lyingToClients(wrapped, random)
  if (roles.includes('bad-pages')) wrapped = servingBadPages(wrapped, random)
  if (roles.includes('lies-in-slots')) wrapped = lyingInSlots(wrapped, options)
  if (roles.includes('flood')) wrapped = flooding(wrapped, options)
  return wrapped
}

const flooding = (net: Net, { identity, clock, seats, flood, wrote }: LiarOptions): Net =>
  floodingNet(net, { identity, clock, committee: () => seats().committee, wrote }, flood)

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

function lyingToClients(net: Net, random: SimRandom): Net {
  const liar = new ClientLiar(random)
  return interpose(net, CLIENT_PROTOCOL.id, { send: (_, body, pass) => pass(liar.bend(body)) })
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

/** Bytes among members turned over, cut off, put in or said twice. */
function mutating(net: Net, random: SimRandom): Net {
  return interpose(net, QUORUM_PROTOCOL.id, {
    send: (_, body, pass) => pass(random.chance(MUTATED) ? mutated(random, body) : body)
  })
}

function mutated(random: SimRandom, body: Uint8Array): Uint8Array {
  const at = random.below(body.length)
  switch (random.below(4)) {
    case 0:
      return body.slice(0, at + 1)
    case 1:
      return Uint8Array.from([...body.subarray(0, at), ...random.bytes(between(random, 1, 9)), ...body.subarray(at)])
    case 2:
      return Uint8Array.from([...body, ...body])
    default:
      return flip(random, body)
  }
}

/** In slots, to each member a result of its own; and where it is asked for one, other bytes than it voted for. */
function lyingInSlots(net: Net, { identity, slotCommittee }: LiarOptions): Net {
  const told = interpose(net, SLOT_PROTOCOL.id, {
    send: (to, body, pass) => {
      const { groupId, message } = decodeSlotFrame(body)
      if (message.type !== 'votes') return pass(body)
      const votes = message.votes.map((vote) => {
        if (vote.kind !== RESULT) return vote
        const other = { ...vote, digest: toHex(sha256(Buffer.from(`${vote.digest} for ${to}`))) }
        const committee = { ...slotCommittee, epoch: vote.epoch }
        return { ...other, signature: identity.sign(signedSlotBytes(committee, other)) }
      })
      return pass(encodeSlotFrame({ groupId, message: { type: 'votes', votes } }))
    }
  })
  return replace(told, {
    serve: (protocol, answer) => {
      if (protocol.id !== SLOT_VALUE_PROTOCOL.id) return told.serve(protocol, answer)
      return told.serve(protocol, () => Promise.resolve(Buffer.from('\u0001not what I voted for')))
    }
  })
}

function flip(random: SimRandom, bytes: Uint8Array): Uint8Array {
  const at = random.below(bytes.length)
  return bytes.with(at, (bytes[at] ?? 0) ^ (1 << random.below(8)))
}
