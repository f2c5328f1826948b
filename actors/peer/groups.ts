import type { Group, Program, Quorum } from '@brume/actors/quorum'
import { toHex } from '@brume/codec'
import type { Clock, Log, Store } from '@brume/ports'
import { decodeManifest, groupIdOf, type Manifest } from '@brume/protocols/quorum'
import { PeerError } from './errors.ts'

/** What a group's program gets to work with. */
export interface ProgramContext {
  readonly groupId: Uint8Array
  readonly manifest: Manifest
  /** The program's own part of the peer's store. */
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

export type MakeProgram = (context: ProgramContext) => Program

/** Programs by name. A manifest's program field begins with one, up to its first zero byte. */
export type Programs = Readonly<Record<string, MakeProgram>>

export interface GroupsOptions {
  readonly quorum: Pick<Quorum, 'open'>
  readonly programs: Programs
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

/** A group this peer takes part in, with what its clients need to know. */
export interface OpenGroup {
  readonly group: Group
  readonly manifest: Uint8Array
  /** Of the program's statements. */
  readonly domain: string
}

/**
 * @param make - the program, where it has no name among `programs`
 * @throws ManifestError, CommitteeError; PeerError PROGRAM where its program is not known here; QuorumError OPEN
 */
export function openGroup(bytes: Uint8Array, options: GroupsOptions, make?: MakeProgram): OpenGroup {
  const { quorum, store, clock, log } = options
  const manifest = decodeManifest(bytes)
  const groupId = groupIdOf(bytes)
  const id = toHex(groupId)
  const context = { groupId, manifest, store: store.sub(`program/${id}/`), clock, log: log.child({ group: id }) }
  const program = (make ?? programNamed(manifest.program, options.programs))(context)
  return { group: quorum.open(bytes, program), manifest: bytes, domain: program.domain }
}

function programNamed(program: Uint8Array, programs: Programs): MakeProgram {
  const end = program.indexOf(0)
  const name = Buffer.from(end === -1 ? program : program.subarray(0, end)).toString('utf8')
  const make = Object.hasOwn(programs, name) ? programs[name] : undefined
  if (make !== undefined) return make
  const known = Object.keys(programs).join(', ') || 'none'
  throw new PeerError('BRUME_PEER_PROGRAM', `the group runs ${JSON.stringify(name)}, unknown here (known: ${known})`)
}
