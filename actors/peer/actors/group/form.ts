import type { MemberView } from '@brume/actors/membership'
import { keyFromPeerId } from '@brume/crypto'
import type { Clock, Net, PeerId, Random } from '@brume/ports'
import {
  decodeHostingAnswer,
  encodeHostingRequest,
  HOSTING_PROTOCOL,
  type HostingAnswer
} from '@brume/protocols/hosting'
import {
  type Admission,
  DEFAULT_PACE,
  decodeManifest,
  encodeManifest,
  type ManifestMember,
  requireSoundManifest
} from '@brume/protocols/quorum'
import { PeerError } from '../../errors.ts'
import type { QuorumOptions } from '../types.ts'
import { refusal } from './refusals.ts'

/** Of a member whose key lies in a file, in the default policy. */
const WEIGHT = 100
/** A member may still be starting, or registering the logic, when it is asked. */
const JOIN_WITHIN_MS = 30_000
const ANSWER_WITHIN_MS = 15_000
const AGAIN_AFTER_MS = 250

export interface FormingOptions {
  readonly net: Pick<Net, 'self' | 'request'>
  readonly members: () => readonly MemberView[]
  readonly clock: Clock
  readonly random: Random
  /** Takes part itself. */
  readonly host: (manifest: Uint8Array, input: Uint8Array | null) => Promise<void>
}

/** What a new group is to replicate. */
export interface Founding {
  readonly name: string
  readonly quorum: QuorumOptions
  /** Field 8 of the manifest. */
  readonly program: Uint8Array
  /** Canonical CBOR; null where members fetch a state to go on from. */
  readonly input: Uint8Array | null
}

/**
 * Forms a group: writes its manifest and has every member open it.
 *
 * @returns the manifest
 * @throws RuntimeError UNREACHABLE or REJECTED with the member's own words; PeerError USAGE; CommitteeError
 */
export async function formGroup(founding: Founding, options: FormingOptions): Promise<Uint8Array> {
  const { name, quorum, program, input } = founding
  const { deltaMs = DEFAULT_PACE.deltaMs } = quorum
  const manifest = encodeManifest({
    ...{ name, program, nonce: options.random.bytes(32), pace: { ...DEFAULT_PACE, deltaMs } },
    admit: admissionOf(quorum),
    members: await membersOf(quorum.members, options)
  })
  requireSoundManifest(decodeManifest(manifest))
  await Promise.all(quorum.members.map((peer) => enlist(peer, manifest, input, options)))
  return manifest
}

function admissionOf({ admit = 'open' }: QuorumOptions): Admission {
  if (admit === 'open' || admit === 'members') return { type: admit }
  return { type: 'listed', keys: admit.map(keyOf) }
}

/** @throws PeerError USAGE */
export function keyOf(peer: PeerId): Uint8Array {
  const key = keyFromPeerId(peer)
  if (key === undefined) throw new PeerError('BRUME_PEER_USAGE', `${peer} is no peer id with a key in it`)
  return key
}

type Founder = Omit<ManifestMember, 'class' | 'volatile'>

/** Members as membership knows them: of one that has just come, its record may be on its way. */
async function membersOf(peers: readonly PeerId[], options: FormingOptions): Promise<readonly Founder[]> {
  const wanted = new Set(peers)
  if (wanted.size !== peers.length) throw new PeerError('BRUME_PEER_USAGE', 'a peer is named twice among the members')
  const known = (): readonly MemberView[] => options.members().filter(({ peer }) => wanted.has(peer))
  await until(() => known().length === wanted.size, options.clock, JOIN_WITHIN_MS)
  const found = known()
  const absent = peers.find((peer) => !found.some((member) => member.peer === peer))
  if (absent !== undefined) throw refusal('unreachable', `${absent} is not a member of this network; is it running?`)
  return found.map(memberOf)
}

function memberOf({ peer, vrfKey, place, host }: MemberView): Founder {
  const { operator, site } = place
  return { peer, key: keyOf(peer), vrfKey, weight: WEIGHT, operator, site, hardware: host.class }
}

async function enlist(
  peer: PeerId,
  manifest: Uint8Array,
  input: Uint8Array | null,
  options: FormingOptions
): Promise<void> {
  const { net, clock, host } = options
  if (peer === net.self) return host(manifest, input)
  const body = encodeHostingRequest({ type: 'host', manifest, input })
  const endMs = clock.now() + JOIN_WITHIN_MS
  let failure: unknown
  while (clock.now() < endMs) {
    const answer = await ask(peer, body, net).catch((error: unknown) => {
      failure = error
    })
    if (answer?.type === 'done') return
    if (answer?.type === 'refused') throw refusal('rejected', `${peer} refused: ${answer.message} (${answer.code})`)
    await new Promise<void>((go) => clock.after(AGAIN_AFTER_MS, go))
  }
  throw refusal('unreachable', `${peer} was asked to take part and did not answer`, failure)
}

async function ask(peer: PeerId, body: Uint8Array, net: Pick<Net, 'request'>): Promise<HostingAnswer> {
  return decodeHostingAnswer(await net.request(peer, HOSTING_PROTOCOL, body, { timeoutMs: ANSWER_WITHIN_MS }))
}

async function until(condition: () => boolean, clock: Clock, withinMs: number): Promise<void> {
  for (const endMs = clock.now() + withinMs; !condition() && clock.now() < endMs; ) {
    await new Promise<void>((go) => clock.after(AGAIN_AFTER_MS, go))
  }
}
