import { cp, mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import { join } from 'node:path'
import { DEFAULT_NETWORK, type Identity, identityFromSeed, networkId } from '@brume/crypto'
import { createNet, type NetNode } from '@brume/net'
import { createLog, createRegistry } from '@brume/observe'
import { systemClock, systemRandom } from '@brume/ports/system'
import { createSystem } from '@brume/runtime'
import { openJournal, openStore } from '@brume/store'
import { afterEach, describe, expect, it } from 'vitest'
import { createMembership, detectHost, type MemberChange, type Membership, type MembershipSettings } from './index.ts'

const NETWORK = { ...DEFAULT_NETWORK, name: 'membership-test', salt16: systemRandom().bytes(16) }
const TIMING = { syncMs: 1_000, suspectMs: 2_000, settleMs: 1_000, publishGapMs: 200 }

interface Peer {
  readonly identity: Identity
  readonly folder: string
  readonly net: NetNode
  readonly membership: Membership
  readonly changes: MemberChange[]
  /** Says good-bye and stops. */
  stop(): Promise<void>
  /** Stops the network under it, as a power cut would. */
  kill(): Promise<void>
}

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Polls until the condition holds; generous, for a loaded machine. */
async function until(what: string, condition: () => boolean, timeoutMs = 20_000): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

interface StartOptions {
  readonly identity?: Identity
  readonly folder?: string
  readonly bootstrap?: readonly Peer[]
  readonly network?: Uint8Array
  readonly settings?: MembershipSettings
}

async function start(options: StartOptions = {}): Promise<Peer> {
  const identity = options.identity ?? identityFromSeed(systemRandom().bytes(32))
  const network = options.network ?? networkId(NETWORK)
  const folder = options.folder ?? (await mkdtemp(join(os.tmpdir(), 'brume-membership-')))
  if (options.folder === undefined) cleanups.push(() => rm(folder, { recursive: true, force: true }))
  const [clock, random, log, registry] = [
    systemClock(),
    systemRandom(),
    createLog({ level: 'silent' }),
    createRegistry()
  ]
  const store = await openStore(join(folder, 'store'))
  const journal = await openJournal({
    directory: join(folder, 'journal'),
    owner: identity.publicKey,
    store,
    expected: options.folder !== undefined
  })
  const net = await createNet({
    seed: identity.seed,
    networkId: network,
    profile: 'local',
    discovery: { mdns: false, bootstrap: (options.bootstrap ?? []).flatMap((peer) => peer.net.addresses()) },
    clock,
    random,
    log,
    registry
  })
  const kernel = createSystem({ clock, random, log, self: identity.peerId })
  const membership = createMembership({
    identity,
    networkId: network,
    net,
    store,
    journal,
    clock,
    random,
    log,
    registry,
    kernel,
    host: await detectHost(),
    settings: { timing: TIMING, ...options.settings }
  })
  const changes: MemberChange[] = []
  membership.onChange((change) => changes.push(change))
  await net.start()
  await membership.start()
  let ended = false
  const end = async (polite: boolean): Promise<void> => {
    if (ended) return
    ended = true
    if (polite) await membership.stop()
    await net.stop()
    if (!polite) await membership.stop()
    kernel.stop()
    await journal.close()
    await store.close()
  }
  cleanups.push(() => end(true))
  return { identity, folder, net, membership, changes, stop: () => end(true), kill: () => end(false) }
}

function view(peer: Peer, other: Peer) {
  return peer.membership.members().find((member) => member.peer === other.identity.peerId)
}

const stateOf = (peer: Peer, other: Peer): string | undefined => view(peer, other)?.state

function isMesh(peers: readonly Peer[]): boolean {
  return peers.every((peer) =>
    peers.every((other) => peer === other || (view(peer, other)?.connected === true && stateOf(peer, other) === 'up'))
  )
}

describe('four peers on one machine', () => {
  it('all know and reach all, see a death, and welcome the dead back', { timeout: 90_000 }, async () => {
    const first = await start()
    const rest = [await start({ bootstrap: [first] }), await start({ bootstrap: [first] })]
    const last = await start({ bootstrap: [first] })
    const peers = [first, ...rest, last]
    await until('full mesh from one bootstrap address', () => isMesh(peers))
    await until('equal tables', () => new Set(peers.map((peer) => peer.membership.status().digestRoot)).size === 1)
    expect(first.membership.members()).toHaveLength(4)
    await until('ready', () => peers.every((peer) => peer.membership.status().phase === 'ready'))
    expect(view(first, last)?.host.cores).toBeGreaterThan(0)
    expect(view(first, last)?.addresses.length).toBeGreaterThan(0)
    const seqBefore = view(first, last)?.seq ?? 0

    await last.kill()
    const alive = [first, ...rest]
    await until('suspected by all', () => alive.every((peer) => stateOf(peer, last) !== 'up'))
    await until('dead for all', () => alive.every((peer) => stateOf(peer, last) === 'dead'))
    const told = first.changes.filter(({ peer }) => peer === last.identity.peerId).map(({ type }) => type)
    expect(told.filter((type) => type === 'member.suspect')).toHaveLength(1)
    expect(told.at(-1)).toBe('member.dead')

    const again = await start({ identity: last.identity, folder: last.folder, bootstrap: [first] })
    await until('back', () => isMesh([...alive, again]))
    await until('a later record everywhere', () => alive.every((peer) => (view(peer, again)?.seq ?? 0) > seqBefore))
    expect(view(first, again)?.firstSeenMs).toBe(view(first, last)?.firstSeenMs)
  })

  it('a peer that leaves is dead at once, and nobody waits for it', { timeout: 60_000 }, async () => {
    const first = await start({ settings: { timing: { ...TIMING, suspectMs: 600_000 } } })
    const second = await start({ bootstrap: [first] })
    await until('two', () => isMesh([first, second]))
    await second.stop()
    await until('dead', () => stateOf(first, second) === 'dead')
    expect(view(first, second)?.cause).toBe('left')
  })

  it('a peer of another network is not kept', { timeout: 60_000 }, async () => {
    const first = await start()
    const stranger = await start({ bootstrap: [first], network: networkId({ ...NETWORK, name: 'elsewhere' }) })
    const friend = await start({ bootstrap: [first] })
    await until('the friend', () => isMesh([first, friend]))
    await until('the stranger gone', () => first.net.links().every(({ peer }) => peer !== stranger.identity.peerId))
    expect(stateOf(first, stranger)).toBeUndefined()
    expect(stateOf(stranger, first)).toBeUndefined()
  })

  it('a copied data folder is noticed, and the copies stop', { timeout: 90_000 }, async () => {
    const first = await start()
    const born = await start({ bootstrap: [first] })
    await until('two', () => isMesh([first, born]))
    await born.stop()
    const folder = await mkdtemp(join(os.tmpdir(), 'brume-membership-'))
    cleanups.push(() => rm(folder, { recursive: true, force: true }))
    await cp(born.folder, folder, { recursive: true })

    const original = await start({ identity: born.identity, folder: born.folder, bootstrap: [first] })
    const failed: unknown[] = []
    original.membership.onFailed((error) => failed.push(error))
    await until('the original', () => isMesh([first, original]))
    const copy = await start({ identity: born.identity, folder, bootstrap: [first] })
    copy.membership.onFailed((error) => failed.push(error))
    await until('one of them stops', () => failed.length > 0, 45_000)
    expect(failed[0]).toMatchObject({ code: 'BRUME_MEMBERSHIP_CLONED' })
  })
})
