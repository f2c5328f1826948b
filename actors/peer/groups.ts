import { type Group, type Program, type Quorum, QuorumError } from '@brume/actors/quorum'
import { toHex } from '@brume/codec'
import type { Clock, Log, Store } from '@brume/ports'
import { decodeManifest, groupIdOf, type Manifest } from '@brume/protocols/quorum'
import { PeerError } from './errors.ts'
import type { Manifests } from './home/manifests.ts'

/** What a group's program gets to work with. */
export interface ProgramContext {
  readonly groupId: Uint8Array
  readonly manifest: Manifest
  /** The program's own part of the peer's store. */
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

/** Programs by name. A manifest's program field begins with one, up to its first zero byte. */
export type Programs = Readonly<Record<string, (context: ProgramContext) => Program>>

export interface GroupsOptions {
  readonly manifests: Manifests
  readonly quorum: Pick<Quorum, 'open'>
  readonly programs: Programs
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

/** Each group holds its own pools and timers; a peer in more is a mistake. */
const GROUPS_MAX = 64

/**
 * Opens the groups whose manifests are kept, in the order of their ids. One that cannot be
 * opened is logged and left out: the peer and its other groups go on.
 */
export async function openGroups(options: GroupsOptions): Promise<readonly OpenGroup[]> {
  const { manifests, log } = options
  const ids = await manifests.ids()
  if (ids.length > GROUPS_MAX)
    log.warn({ found: ids.length, limit: GROUPS_MAX }, 'too many groups; the rest is left out')
  const groups: OpenGroup[] = []
  for (const id of ids.slice(0, GROUPS_MAX)) {
    try {
      groups.push(openGroup(await manifests.read(id), options))
    } catch (error) {
      log.error({ group: id, error }, 'a group cannot be opened and is left out')
    }
  }
  return groups
}

/** A group this peer takes part in, with what its clients need to know. */
export interface OpenGroup {
  readonly group: Group
  readonly manifest: Uint8Array
  /** Of the program's statements. */
  readonly domain: string
}

/**
 * Opens one more group and keeps its manifest, so that the peer opens it at every start from now on.
 *
 * @throws ManifestError, CommitteeError; PeerError PROGRAM where its program is not known here; QuorumError OPEN
 */
export async function joinGroup(bytes: Uint8Array, options: GroupsOptions): Promise<OpenGroup> {
  const ids = await options.manifests.ids()
  if (ids.length >= GROUPS_MAX) {
    throw new QuorumError('BRUME_QUORUM_GROUPS_FULL', `a peer takes part in at most ${GROUPS_MAX} groups`)
  }
  const opened = openGroup(bytes, options)
  await options.manifests.keep(opened.group.id, bytes)
  return opened
}

function openGroup(bytes: Uint8Array, { quorum, programs, store, clock, log }: GroupsOptions): OpenGroup {
  const manifest = decodeManifest(bytes)
  const groupId = groupIdOf(bytes)
  const name = programName(manifest.program)
  const make = Object.hasOwn(programs, name) ? programs[name] : undefined
  if (make === undefined) {
    const known = Object.keys(programs).join(', ') || 'none'
    throw new PeerError('BRUME_PEER_PROGRAM', `the group runs ${JSON.stringify(name)}, unknown here (known: ${known})`)
  }
  const id = toHex(groupId)
  const context = { groupId, manifest, store: store.sub(`program/${id}/`), clock, log: log.child({ group: id }) }
  const program = make(context)
  return { group: quorum.open(bytes, program), manifest: bytes, domain: program.domain }
}

function programName(program: Uint8Array): string {
  const end = program.indexOf(0)
  return Buffer.from(end === -1 ? program : program.subarray(0, end)).toString('utf8')
}
