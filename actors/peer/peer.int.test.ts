import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Block, LeafProgram, type LeafState, type Program } from '@brume/actors/quorum'
import { toHex, utf8 } from '@brume/codec'
import { DOMAIN, deriveSeed, type Identity, identityFromSeed } from '@brume/crypto'
import type { Disk, DiskFile, Log } from '@brume/ports'
import { systemRandom } from '@brume/ports/system'
import { DEFAULT_PACE, encodeCall, encodeManifest, groupIdOf } from '@brume/protocols/quorum'
import { nodeDisk } from '@brume/store'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readIdentity } from './data/index.ts'
import { EXIT, exitStatus } from './errors.ts'
import { type PeerNotice, type PeerOptions, type PreparedPeer, preparePeer } from './index.ts'

const WAIT = { timeout: 20_000, interval: 20 }

let directory: string
let logged: { readonly level: string; readonly message: string; readonly fields: object }[]
const peers: PreparedPeer[] = []

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'brume-peer-'))
  logged = []
})
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer.stop()
  await rm(directory, { recursive: true, force: true })
})

function recordingLog(): Log {
  const at = (level: string) => (fields: object, message: string) => void logged.push({ level, fields, message })
  return { debug() {}, info() {}, warn: at('warn'), error: at('error'), child: recordingLog }
}

async function peerOn(options: PeerOptions = {}): Promise<PreparedPeer> {
  const settings = { profile: 'local', mdns: false, network: 'peer-test' } as const
  const ports = { log: recordingLog(), ...options.ports }
  const peer = await preparePeer({ dataDir: directory, ...settings, ...options, ports })
  peers.push(peer)
  return peer
}

/** The identity on the data directory, made by a peer that never started. */
async function bornIdentity(): Promise<Identity> {
  await (await peerOn()).stop()
  const record = await readIdentity(join(directory, 'identity.json'))
  if (record === undefined) throw new Error('there is no identity')
  return record.identity
}

/** Lays the manifest of a group of this one peer into its data directory; returns the group's id. */
async function layGroup({ peerId, publicKey, seed }: Identity, program: string): Promise<Uint8Array> {
  const vrfKey = identityFromSeed(deriveSeed(seed, DOMAIN.vrf)).publicKey
  const member = { peer: peerId, key: publicKey, vrfKey, weight: 1, operator: '', site: '', hardware: '' }
  const nonce = systemRandom().bytes(32)
  const bytes = encodeManifest({ name: 'test', nonce, pace: DEFAULT_PACE, members: [member], program: utf8(program) })
  const groupId = groupIdOf(bytes)
  await mkdir(join(directory, 'groups'), { recursive: true })
  await writeFile(join(directory, 'groups', `${toHex(groupId)}.cbor`), bytes)
  return groupId
}

/** Collects the heights it was told of. */
function heights(seen: number[]): Program {
  const execute = (_: LeafState, { height }: Block) => {
    seen.push(height)
    return { changes: [], answers: [] }
  }
  return new LeafProgram({ domain: 'brume/test-attest/1', accepts: () => true, execute })
}

describe('a peer', () => {
  it('runs, says what it is, and stops', async () => {
    const peer = await peerOn()
    const notices: PeerNotice[] = []
    peer.onNotice((notice) => notices.push(notice))
    await peer.start()
    expect(peer.status()).toMatchObject({
      id: peer.id,
      state: 'running',
      failure: null,
      network: { name: 'peer-test' },
      profile: 'local',
      members: { known: 0, connected: 0 },
      journals: { membership: 'clean', quorum: 'clean' }
    })
    const self = expect.objectContaining({ peer: peer.id, self: true })
    await vi.waitFor(() => expect(peer.members()).toEqual([self]), WAIT)
    await peer.stop()
    expect(notices).toEqual(
      ['starting', 'running', 'stopping', 'stopped'].map((state) => ({ event: 'peer.state', state }))
    )
    expect(await peer.ended).toBeUndefined()
    expect(logged).toEqual([])
  })

  it('leaves nothing open when it is refused', async () => {
    await expect(peerOn({ bootstrp: [] } as PeerOptions)).rejects.toMatchObject({ code: 'BRUME_PEER_CONFIG' })
    const first = await peerOn()
    await expect(peerOn()).rejects.toMatchObject({ code: 'BRUME_PEER_DATA_DIR_LOCKED' })
    await first.stop()
    await (await peerOn()).stop()
  })

  it('joins the groups in its data directory and takes them up again after a restart', async () => {
    const identity = await bornIdentity()
    const groupId = await layGroup(identity, 'heights')
    const first: number[] = []
    const peer = await peerOn({ programs: { heights: () => heights(first) } })
    await peer.start()
    const [group] = peer.groups()
    await vi.waitFor(() => expect(group?.status().state).toBe('voting'), WAIT)
    const call = { groupId, session: 1, sequence: 1, expiresMs: Date.now() + 60_000, body: utf8('x') }
    const { height } = (await group?.submit(encodeCall(call, identity)).final) ?? { height: 0 }
    expect(peer.status().groups).toEqual([expect.objectContaining({ group: toHex(groupId), state: 'voting', height })])
    await peer.stop()

    const again: number[] = []
    const later = await peerOn({ programs: { heights: () => heights(again) } })
    await later.start()
    await vi.waitFor(() => expect(again.length).toBeGreaterThanOrEqual(height), WAIT)
    expect(later.status().journals).toMatchObject({ quorum: 'clean' })
  }, 60_000)

  it('leaves a group out whose program it does not have, or whose manifest is none', async () => {
    await layGroup(await bornIdentity(), 'unknown')
    await writeFile(join(directory, 'groups', `${'0'.repeat(64)}.cbor`), 'no manifest')
    await writeFile(join(directory, 'groups', 'notes.txt'), 'ignored')
    const peer = await peerOn({ programs: { toString: () => heights([]) } })
    expect(peer.groups()).toEqual([])
    expect(logged.map(({ level, message }) => [level, message])).toEqual([
      ['error', 'a group cannot be opened and is left out'],
      ['error', 'a group cannot be opened and is left out']
    ])
  })

  it('ends when its journal fails, with the status for that', async () => {
    const disk = breakableDisk()
    const peer = await peerOn({ ports: { disk } })
    disk.broken = true
    await peer.start().catch(() => undefined)
    const failure = await peer.ended
    expect(failure).toMatchObject({ code: 'BRUME_PEER_JOURNAL', message: expect.stringContaining('broken') })
    expect(exitStatus(failure?.error)).toBe(EXIT.journal)
    expect(peer.status()).toMatchObject({ state: 'failed', failure: { code: 'BRUME_PEER_JOURNAL' } })
  })

  it('says that the disk is full', async () => {
    const disk: Disk = {
      ...nodeDisk(),
      preallocate: () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }))
    }
    await expect(peerOn({ ports: { disk } })).rejects.toMatchObject({ code: 'BRUME_PEER_DISK_FULL' })
  })

  it('puts what it is given between the network and its users', async () => {
    const topics: string[] = []
    const peer = await peerOn({
      ports: {
        wrapNet: (net) => ({
          ...net,
          topic: (name, judge) => {
            topics.push(name)
            return net.topic(name, judge)
          }
        })
      }
    })
    await peer.start()
    expect(topics).toEqual([expect.stringMatching(/^brume\/members\//)])
  })
})

/** The real disk until it breaks: from then on no write arrives. */
function breakableDisk(): Disk & { broken: boolean } {
  const disk = nodeDisk()
  const watched = (file: DiskFile): DiskFile => ({
    commit: async (position, bytes) => {
      if (breakable.broken) throw Object.assign(new Error('broken'), { code: 'EIO' })
      await file.commit(position, bytes)
    },
    close: () => file.close()
  })
  const breakable = {
    ...disk,
    broken: false,
    open: async (path: string) => watched(await disk.open(path)),
    preallocate: async (path: string, bytes: number) => watched(await disk.preallocate(path, bytes))
  }
  return breakable
}
