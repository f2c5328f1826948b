import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '@brume/codec'
import { type Identity, identityFromSeed } from '@brume/crypto'
import { makeGroup } from './group-manifest.ts'
import { newRunId, RunFolder, type RunManifest } from './run-folder.ts'

export interface RunOptions {
  /** Where runs are kept. */
  readonly directory: string
  readonly peers: number
  /** Program of the group that all peers form; undefined: no group. */
  readonly program: string | undefined
  readonly discovery: 'mdns' | 'list'
  /** Keep the votes each peer receives, for the checker. */
  readonly votes: boolean
}

/** The data folder as actors/peer lays it out; a machine mark of null fits every machine. */
function writeIdentity(dataDir: string, identity: Identity): void {
  const content = { version: 1, peer: identity.peerId, seed: toHex(identity.seed), host: null, journalBorn: false }
  writeFileSync(join(dataDir, 'identity.json'), `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
}

function writeGroup(dataDir: string, groupId: string, manifest: Uint8Array): void {
  mkdirSync(join(dataDir, 'groups'), { mode: 0o700 })
  writeFileSync(join(dataDir, 'groups', `${groupId}.cbor`), manifest)
}

/**
 * Lays a run out on disk: its manifest, and each peer's data folder with an identity and the group's
 * manifest. The identities are made here because the group's manifest names them all. The network's
 * name is random, and with it the mDNS service tag: runs side by side do not see each other.
 */
export function prepareRun(options: RunOptions): RunFolder {
  const folder = new RunFolder(options.directory, newRunId())
  const identities = Array.from({ length: options.peers }, () => identityFromSeed(randomBytes(32)))
  const group = options.program === undefined ? undefined : makeGroup(options.program, identities, randomBytes(32))
  const manifest: RunManifest = {
    version: 1,
    runId: folder.runId,
    createdAt: new Date().toISOString(),
    peers: identities.map(({ peerId, publicKey }, i) => ({ name: `p${i + 1}`, peerId, publicKey: toHex(publicKey) })),
    discovery: options.discovery,
    networkName: `testnet-${randomBytes(8).toString('hex')}`,
    group:
      group === undefined || options.program === undefined
        ? null
        : { program: options.program, groupId: group.groupId, manifest: toHex(group.manifest) },
    votes: options.votes
  }
  folder.create(manifest)
  identities.forEach((identity, i) => {
    const dataDir = folder.dataDir(`p${i + 1}`)
    mkdirSync(dataDir, { mode: 0o700 })
    writeIdentity(dataDir, identity)
    if (group !== undefined) writeGroup(dataDir, group.groupId, group.manifest)
  })
  return folder
}
