import type { Found, Group, Quorum, QuorumClient } from '@brume/actors/quorum'
import type { Identity } from '@brume/crypto'
import type { Clock, Random } from '@brume/ports'
import { encodeCall, type ReadLevel } from '@brume/protocols/quorum'
import { PeerError } from './errors.ts'
import { type GroupsOptions, joinGroup, type OpenGroup, openGroups } from './groups.ts'

/** How long a command of this peer's own user may wait for its block. */
const EXPIRES_MS = 60_000

export interface HostedOptions extends GroupsOptions {
  readonly quorum: Pick<Quorum, 'open' | 'client'>
  readonly identity: Identity
  readonly clock: Clock
  readonly random: Random
  readonly opened: (group: Group) => void
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
  readonly #clients = new Map<string, QuorumClient>()
  #started = false

  constructor(options: HostedOptions) {
    this.#options = options
  }

  get groups(): readonly Group[] {
    return this.#groups.map(({ group }) => group)
  }

  async load(): Promise<void> {
    for (const opened of await openGroups(this.#options)) this.#add(opened)
  }

  async start(): Promise<void> {
    this.#started = true
    for (const { group } of this.#groups) await group.start()
  }

  /** Takes part in one more group, now and at every start. @throws ManifestError, CommitteeError, PeerError, QuorumError */
  async join(manifest: Uint8Array): Promise<Group> {
    const opened = await joinGroup(manifest, this.#options)
    this.#add(opened)
    if (this.#started) await opened.group.start()
    return opened.group
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
