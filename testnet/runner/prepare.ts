import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '@brume/codec'
import { type Identity, identityFromSeed } from '@brume/crypto'
import { type GroupMember, type GroupTerms, makeGroup } from './group-manifest.ts'
import { newRunId, RunFolder, type RunManifest, type RunPeer } from './run-folder.ts'

/** So many peers of one kind: `<name>1`, `<name>2` and so on. */
export interface PeerGroup {
  readonly name: string
  readonly count: number
  readonly weight?: number
  readonly operator?: string
  readonly site?: string
  readonly roles?: readonly string[]
}

export interface RunOptions {
  /** Where runs are kept. */
  readonly directory: string
  /** A number: so many equal ones, `p1`, `p2` and so on. */
  readonly peers: number | readonly PeerGroup[]
  /** Program of the group that all peers form; undefined: no group. */
  readonly program: string | undefined
  readonly discovery: 'mdns' | 'list'
  /** Keep the votes each peer receives and the blocks it holds for final, for the checkers. */
  readonly votes: boolean
  readonly terms?: Partial<GroupTerms>
}

interface Planned {
  readonly identity: Identity
  readonly peer: RunPeer
  readonly weight: number
}

/** Equal weights: of n peers (n - 1) / 3 may fail, as everybody who counts rows expects. */
const WEIGHT = 1

/** The data folder as actors/peer lays it out; a machine mark of null fits every machine. */
function writeIdentity(dataDir: string, identity: Identity): void {
  const content = { version: 1, peer: identity.peerId, seed: toHex(identity.seed), host: null, journalBorn: false }
  writeFileSync(join(dataDir, 'identity.json'), `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
}

function writeGroup(dataDir: string, groupId: string, manifest: Uint8Array): void {
  mkdirSync(join(dataDir, 'groups'), { mode: 0o700 })
  writeFileSync(join(dataDir, 'groups', `${groupId}.cbor`), manifest)
}

function planPeers({ name, count, weight = WEIGHT, operator = '', site = '', roles = [] }: PeerGroup): Planned[] {
  return Array.from({ length: count }, (_, index) => {
    const identity = identityFromSeed(randomBytes(32))
    const { peerId, publicKey } = identity
    const peer = {
      name: `${name}${index + 1}`,
      group: name,
      peerId,
      publicKey: toHex(publicKey),
      operator,
      site,
      roles
    }
    return { identity, peer, weight }
  })
}

function groupOf(options: RunOptions, members: readonly GroupMember[]): RunManifest['group'] {
  const { program, terms } = options
  if (program === undefined) return null
  const { groupId, manifest } = makeGroup(program, members, randomBytes(32), terms)
  return { program, groupId, manifest: toHex(manifest) }
}

/**
 * Lays a run out on disk: its manifest, and each peer's data folder with an identity and the group's
 * manifest. The identities are made here because the group's manifest names them all. The network's
 * name is random, and with it the mDNS service tag: runs side by side do not see each other.
 */
export function prepareRun(options: RunOptions): RunFolder {
  const folder = new RunFolder(options.directory, newRunId())
  const groups = typeof options.peers === 'number' ? [{ name: 'p', count: options.peers }] : options.peers
  const planned = groups.flatMap(planPeers)
  const members = planned.map(({ identity, peer, weight }) => ({ ...peer, identity, weight }))
  const group = groupOf(options, members)
  folder.create({
    version: 1,
    runId: folder.runId,
    createdAt: new Date().toISOString(),
    peers: planned.map(({ peer }) => peer),
    discovery: options.discovery,
    networkName: `testnet-${randomBytes(8).toString('hex')}`,
    group,
    votes: options.votes
  })
  for (const { identity, peer } of planned) {
    const dataDir = folder.dataDir(peer.name)
    mkdirSync(dataDir, { mode: 0o700 })
    writeIdentity(dataDir, identity)
    if (group !== null) writeGroup(dataDir, group.groupId, Buffer.from(group.manifest, 'hex'))
  }
  return folder
}
