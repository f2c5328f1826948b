import type { Quorum, QuorumClient } from '@brume/actors/quorum'
import { equal, toHex } from '@brume/codec'
import type { Identity } from '@brume/crypto'
import type { Clock, Log, Net, PeerId, Store } from '@brume/ports'
import { ATTEST_DOMAIN } from '@brume/protocols/actors/proof'
import { decodeHostingAnswer, encodeHostingRequest, HOSTING_PROTOCOL } from '@brume/protocols/hosting'
import { groupIdOf } from '@brume/protocols/quorum'
import { parseAddress } from '@brume/runtime/address'
import { Commands } from './commands.ts'
import { refusal } from './refusals.ts'
import { SessionNumbers } from './sessions.ts'

/** Peers asked at once for a manifest; one that is slow costs the others nothing. */
const ASKED_AT_ONCE = 8
const ANSWER_WITHIN_MS = 3_000
/** A peer that has just started knows nobody yet. */
const FIND_WITHIN_MS = 15_000
const AGAIN_AFTER_MS = 250

/** A group as this peer's actors and users have it. */
export interface GroupAccess {
  readonly groupId: Uint8Array
  readonly manifest: Uint8Array
  readonly client: QuorumClient
  readonly commands: Commands
  /** A command of this peer's was final there, or a state was shown to it: what is read for its user is no older. */
  atLeast: number
  /** Where its actor went on, as its members have attested; null: not known to have moved. */
  successor: string | null
  /** It has attested that it took an event of this peer's: what moved long ago is noticed at the first. */
  isTaking: boolean
}

/** Upgrades followed at once, so that no circle of them is. */
const MOVES_MAX = 64

export interface DirectoryOptions {
  readonly quorum: Pick<Quorum, 'client'>
  readonly net: Pick<Net, 'links' | 'request'>
  readonly identity: Identity
  readonly clock: Clock
  readonly log: Log
  /** Of session numbers. */
  readonly store: Store
  /** Of a group this peer takes part in. */
  readonly hosted: (groupId: Uint8Array) => Uint8Array | undefined
}

/** Groups by their ids: whoever has an address has the group's id, and here finds the rest. */
export class Directory {
  readonly #options: DirectoryOptions
  readonly #sessions: SessionNumbers
  readonly #known = new Map<string, Promise<GroupAccess>>()
  #closed = false

  constructor(options: DirectoryOptions) {
    this.#options = options
    this.#sessions = new SessionNumbers(options.store)
  }

  /** @throws RuntimeError NOACTOR where nobody connected knows the group in time */
  find(groupId: Uint8Array): Promise<GroupAccess> {
    const id = toHex(groupId)
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const found = this.#manifestOf(groupId).then((manifest) => this.#open(groupId, manifest))
    this.#known.set(id, found)
    // Somebody may know it the next time.
    found.catch(() => this.#known.delete(id))
    return found
  }

  /** The group that the actor is in now, as far as is known here. @throws as `find`, and RuntimeError UNREACHABLE for a circle */
  async current(address: string): Promise<GroupAccess> {
    let at = address
    for (let moves = 0; moves < MOVES_MAX; moves++) {
      const { group } = parseAddress(at)
      const access = await this.find(group ?? new Uint8Array())
      if (access.successor === null) return access
      at = access.successor
    }
    throw refusal('unreachable', `${address} has moved more than ${MOVES_MAX} times`)
  }

  /** Takes a manifest from whoever made it. */
  learn(manifest: Uint8Array): Promise<GroupAccess> {
    const groupId = groupIdOf(manifest)
    const id = toHex(groupId)
    const known = this.#known.get(id) ?? Promise.resolve(this.#open(groupId, manifest))
    this.#known.set(id, known)
    return known
  }

  close(): void {
    this.#closed = true
    for (const one of this.#known.values()) one.then(({ client }) => client.close()).catch(() => undefined)
  }

  #open(groupId: Uint8Array, manifest: Uint8Array): GroupAccess {
    const { quorum, identity, clock } = this.#options
    const client = quorum.client(manifest, { domain: ATTEST_DOMAIN })
    const nextSession = (): Promise<number> => this.#sessions.next(groupId)
    return {
      groupId,
      manifest,
      client,
      commands: new Commands({ client, groupId, identity, clock, nextSession }),
      ...{ atLeast: 0, successor: null, isTaking: false }
    }
  }

  async #manifestOf(groupId: Uint8Array): Promise<Uint8Array> {
    const { clock, hosted } = this.#options
    const endMs = clock.now() + FIND_WITHIN_MS
    for (;;) {
      const found = hosted(groupId) ?? (await this.#askAround(groupId))
      if (found !== undefined) return found
      if (this.#closed || clock.now() >= endMs) break
      await new Promise<void>((go) => clock.after(AGAIN_AFTER_MS, go))
    }
    throw refusal('noactor', `nobody this peer is connected to knows the group ${toHex(groupId)}`)
  }

  async #askAround(groupId: Uint8Array): Promise<Uint8Array | undefined> {
    const peers = this.#options.net.links().map(({ peer }) => peer)
    for (let at = 0; at < peers.length; at += ASKED_AT_ONCE) {
      const answers = peers.slice(at, at + ASKED_AT_ONCE).map((peer) => this.#ask(peer, groupId))
      const found = (await Promise.all(answers)).find((manifest) => manifest !== undefined)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** Undefined also where the peer does not answer, or with another group's manifest. */
  async #ask(peer: PeerId, groupId: Uint8Array): Promise<Uint8Array | undefined> {
    const { net, log } = this.#options
    try {
      const body = encodeHostingRequest({ type: 'manifest', groupId })
      const answer = decodeHostingAnswer(
        await net.request(peer, HOSTING_PROTOCOL, body, { timeoutMs: ANSWER_WITHIN_MS })
      )
      if (answer.type !== 'manifest' || answer.manifest === null) return undefined
      return equal(groupIdOf(answer.manifest), groupId) ? answer.manifest : undefined
    } catch (error) {
      log.debug({ peer, error }, 'a peer was asked for a manifest and did not give one')
      return undefined
    }
  }
}
