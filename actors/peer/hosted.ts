import { type Found, type Group, type Quorum, type QuorumClient, QuorumError } from '@brume/actors/quorum'
import type { Identity } from '@brume/crypto'
import type { Clock, Random } from '@brume/ports'
import { encodeCall, type ReadLevel } from '@brume/protocols/quorum'
import { PeerError } from './errors.ts'
import { type GroupsOptions, type MakeProgram, type OpenGroup, openGroup } from './groups.ts'
import type { Manifests } from './home/manifests.ts'

/** How long a command of this peer's own user may wait for its block. */
const EXPIRES_MS = 60_000

/** Each group holds its own pools and timers; a peer in more is a mistake. */
const GROUPS_MAX = 64

export interface HostedOptions extends GroupsOptions {
  readonly manifests: Manifests
  readonly quorum: Pick<Quorum, 'open' | 'client'>
  readonly identity: Identity
  readonly clock: Clock
  readonly random: Random
  readonly opened: (group: Group) => void
  /** Is its program made later, by `open`? */
  readonly isLater: (manifest: Uint8Array) => boolean
}

/** What a command of this peer's user came to. */
export interface Carried {
  readonly id: string
  readonly height: number
  readonly view: number
  /** The answer's leaf, and what proves it to anybody who knows the manifest. */
  readonly answer: Uint8Array
  readonly bundle: Uint8Array
}

/** The groups this peer takes part in, and what its user does with them. */
export class Hosted {
  readonly #options: HostedOptions
  readonly #groups: OpenGroup[] = []
  /** Kept from before, and their programs not there yet. */
  readonly #later = new Map<string, Uint8Array>()
  readonly #clients = new Map<string, QuorumClient>()
  #started = false

  constructor(options: HostedOptions) {
    this.#options = options
  }

  get groups(): readonly Group[] {
    return this.#groups.map(({ group }) => group)
  }

  /** Opens the groups kept from before. One that cannot be is logged and left out: the peer and the others go on. */
  async load(): Promise<void> {
    const { manifests, log } = this.#options
    const ids = await manifests.ids()
    if (ids.length > GROUPS_MAX)
      log.warn({ found: ids.length, limit: GROUPS_MAX }, 'too many groups; the rest is left out')
    for (const id of ids.slice(0, GROUPS_MAX)) {
      try {
        const manifest = await manifests.read(id)
        if (this.#options.isLater(manifest)) this.#later.set(id, manifest)
        else this.#add(openGroup(manifest, this.#options))
      } catch (error) {
        log.error({ group: id, error }, 'a group cannot be opened and is left out')
      }
    }
  }

  async start(): Promise<void> {
    this.#started = true
    for (const { group } of this.#groups) await group.start()
  }

  /** Takes part in one more group, now and at every start. @throws ManifestError, CommitteeError, PeerError, QuorumError */
  async join(manifest: Uint8Array, make?: MakeProgram): Promise<Group> {
    if (this.#groups.length + this.#later.size >= GROUPS_MAX) {
      throw new QuorumError('BRUME_QUORUM_GROUPS_FULL', `a peer takes part in at most ${GROUPS_MAX} groups`)
    }
    const opened = openGroup(manifest, this.#options, make)
    await this.#options.manifests.keep(opened.group.id, manifest)
    return this.#begin(opened)
  }

  /** Groups kept from before that wait for their program. */
  pending(): readonly { readonly id: string; readonly manifest: Uint8Array }[] {
    return [...this.#later].map(([id, manifest]) => ({ id, manifest }))
  }

  /** Opens one that waited. @throws as `join` does */
  async open(id: string, make: MakeProgram): Promise<Group> {
    const manifest = this.#later.get(id)
    if (manifest === undefined) throw new PeerError('BRUME_PEER_USAGE', `no group ${id} waits for its program`)
    this.#later.delete(id)
    return this.#begin(openGroup(manifest, this.#options, make))
  }

  /** Of a group this peer takes part in, by the whole id in hex. */
  manifestOf(id: string): Uint8Array | undefined {
    return this.#groups.find(({ group }) => group.id === id)?.manifest
  }

  /**
   * Has a command carried out, in a session of its own. Resolves when its answer is attested.
   *
   * @param name - the beginning of the group's id
   * @throws PeerError USAGE, QuorumError
   */
  async submit(name: string, body: Uint8Array): Promise<Carried> {
    const { identity, clock, random } = this.#options
    const { group } = this.#find(name)
    const session = Buffer.from(random.bytes(4)).readUInt32BE()
    const expiresMs = Math.floor(clock.wall()) + EXPIRES_MS
    const command = encodeCall({ groupId: group.groupId, session, sequence: 1, expiresMs, body }, identity)
    const order = this.#client(name).submit(command)
    const { height, view, bundle, answer } = await order.attested
    return { id: order.id, height, view, answer, bundle }
  }

  /** @throws PeerError USAGE, QuorumError */
  read(name: string, paths: readonly string[], level: ReadLevel): Promise<Found> {
    return this.#client(name).read(paths, level)
  }

  async #begin(opened: OpenGroup): Promise<Group> {
    this.#add(opened)
    if (this.#started) await opened.group.start()
    return opened.group
  }

  #add(opened: OpenGroup): void {
    this.#groups.push(opened)
    this.#options.opened(opened.group)
  }

  #find(name: string): OpenGroup {
    const found = this.#groups.filter(({ group }) => group.id.startsWith(name))
    const [only] = found
    if (only !== undefined && found.length === 1) return only
    const what = only === undefined ? 'no group' : `${found.length} groups`
    throw new PeerError('BRUME_PEER_USAGE', `this peer takes part in ${what} whose id begins with ${name}`)
  }

  #client(name: string): QuorumClient {
    const { group, manifest, domain } = this.#find(name)
    const known = this.#clients.get(group.id) ?? this.#options.quorum.client(manifest, { domain })
    this.#clients.set(group.id, known)
    return known
  }
}
