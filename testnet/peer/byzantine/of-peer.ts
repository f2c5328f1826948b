import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromHex, toHex } from '@brume/codec'
import { identityFromSeed } from '@brume/crypto'
import { committeeOf, decodeManifest } from '@brume/protocols/quorum'
import type { PeerConfig } from '../../runner/messages.ts'
import { clientIdentity } from '../clients.ts'
import { Misbehaviour } from './misbehave.ts'

/** Without accomplices it breaks the rules alone. */
type Liar = Pick<PeerConfig, 'dataDir' | 'networkName' | 'behaviour'> & Partial<Pick<PeerConfig, 'accomplices'>>

/** What it takes to misbehave in the one group of this data folder: its key, its committee. Undefined without a group. */
export function misbehaviourOf(config: Liar): Misbehaviour | undefined {
  const groups = join(config.dataDir, 'groups')
  const [name] = readNames(groups)
  if (name === undefined) return undefined
  const manifest = new Uint8Array(readFileSync(join(groups, name)))
  const { seed } = JSON.parse(readFileSync(join(config.dataDir, 'identity.json'), 'utf8'))
  const identity = identityFromSeed(fromHex(seed))
  const misbehaviour = new Misbehaviour({
    identity,
    committee: committeeOf(manifest),
    self: identity.peerId,
    accomplices: config.accomplices ?? [identity.peerId],
    members: decodeManifest(manifest).members.map(({ peer }) => peer),
    clientKey: (client) => toHex(clientIdentity(config.networkName, client).publicKey)
  })
  misbehaviour.behave(config.behaviour)
  return misbehaviour
}

function readNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((file) => file.endsWith('.cbor'))
  } catch {
    return []
  }
}
