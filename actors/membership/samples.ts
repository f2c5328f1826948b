import { DEFAULT_NETWORK, type Identity, identityFromSeed, networkId, verify } from '@brume/crypto'
import type { Verdict } from '@brume/ports'
import { type RecordBody, type SignedRecord, signRecord, vrfPublicKey } from '@brume/protocols/membership'
import type { Effect } from './effect.ts'
import type { Instant, MembershipEvent } from './event.ts'
import { TIMING } from './limits.ts'
import { initialState, type Loaded } from './rules/initial.ts'
import type { Config, Local, MembershipState } from './rules/state.ts'
import { step } from './rules.ts'

/** Fixtures of this room's tests: numbered peers of one network, and reducers that are stepped by hand. */

export const NET = networkId(DEFAULT_NETWORK)
/** 2026-06-01T00:00:00Z, an epoch's beginning. */
export const START_MS = 1_780_272_000_000
export const EPOCH_MS = 3_600_000
export const START_EPOCH = START_MS / EPOCH_MS

const identities = new Map<number, Identity>()

/** The seed is the number, big-endian in the first four of 32 bytes. */
export function person(number: number): Identity {
  const known = identities.get(number)
  if (known !== undefined) return known
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, number)
  const identity = identityFromSeed(seed)
  identities.set(number, identity)
  return identity
}

const HOST: RecordBody['host'] = {
  architecture: 'x64',
  class: 'laptop',
  tier: 'edge',
  cores: 8,
  memoryMiB: 16_000,
  storageMiB: 100_000,
  gpu: null,
  fuelRate: 0,
  attestation: 0
}

export const LOCAL: Local = {
  addresses: ['/ip4/127.0.0.1/tcp/4720'],
  state: { battery: 80, charging: false, thermal: 0, mode: 'performance', load: 5 },
  flags: 0,
  clockQuality: 1
}

export function recordOf(number: number, change: Partial<RecordBody> = {}): SignedRecord {
  const identity = person(number)
  const body: RecordBody = {
    networkId: NET,
    peer: identity.peerId,
    vrfKey: vrfPublicKey(identity.seed),
    notBefore: START_EPOCH - 10,
    seq: 1,
    epoch: START_EPOCH,
    salt: null,
    flags: 0,
    degree: 8,
    addresses: [`/ip4/127.0.0.1/tcp/${10_000 + number}`],
    place: { operator: '', site: '', region: '' },
    certificate: null,
    host: HOST,
    state: LOCAL.state,
    work: { profiles: [], capabilities: [] },
    onion: null,
    extensions: {},
    ...change
  }
  return signRecord(body, identity.sign)
}

function configOf(number: number, change: Partial<Config> = {}): Config {
  const identity = person(number)
  return {
    self: identity.peerId,
    networkId: NET,
    vrfKey: vrfPublicKey(identity.seed),
    sign: (message) => identity.sign(message),
    verify,
    epochMs: EPOCH_MS,
    timing: TIMING,
    bootstrap: [],
    degree: 8,
    place: { operator: '', site: '', region: '' },
    certificate: null,
    host: HOST,
    work: { profiles: [], capabilities: [] },
    ...change
  }
}

/** A reducer with a clock that the test moves; all effects are kept, journaled ones can be confirmed at once. */
export class Bench {
  state: MembershipState
  at: Instant
  readonly effects: Effect[] = []
  verdict: Verdict | undefined
  /** Confirms journal appends right after the step that asked for them. */
  syncs = true

  constructor(
    number: number,
    options: { readonly loaded?: Partial<Loaded>; readonly config?: Partial<Config>; readonly at?: Instant } = {}
  ) {
    this.at = options.at ?? { nowMs: 0, wallMs: START_MS + 1_000 }
    const entropy = new Uint8Array(32).fill(number)
    const loaded = { members: [], marks: [], lost: false, notBefore: undefined, entropy, ...options.loaded }
    this.state = initialState(configOf(number, options.config), LOCAL, loaded, this.at)
  }

  /** Steps, and returns the effects of this event and of the journal's answers. */
  run(event: MembershipEvent): readonly Effect[] {
    const from = this.effects.length
    const { state, effects, verdict } = step(this.state, event, this.at)
    this.state = state
    this.verdict = verdict
    this.effects.push(...effects)
    if (this.syncs)
      for (const effect of effects) if (effect.type === 'journal') this.run({ type: 'journal.synced', seq: effect.seq })
    return this.effects.slice(from)
  }

  pass(ms: number): void {
    this.at = { nowMs: this.at.nowMs + ms, wallMs: this.at.wallMs + ms }
  }

  /** A link over which Hello went both ways. */
  meet(number: number, change: Partial<RecordBody> = {}): readonly Effect[] {
    const peer = person(number).peerId
    const from = this.effects.length
    this.run({ type: 'link.up', peer })
    this.run({ type: 'channel.opened', peer })
    this.run({ type: 'hello.received', from: peer, hello: helloOf(recordOf(number, change)) })
    return this.effects.slice(from)
  }

  gossip(record: SignedRecord, from = 1_000): readonly Effect[] {
    return this.run({ type: 'record.received', from: person(from).peerId, record: record.bytes })
  }

  entry(number: number) {
    return this.state.table.get(person(number).peerId)
  }

  /** The last outcome counted. */
  outcome(): string | undefined {
    return this.effects.findLast((effect) => effect.type === 'count.record')?.outcome
  }
}

export function helloOf(record: SignedRecord) {
  return {
    type: 'hello',
    record: record.bytes,
    fogTimeMs: START_MS,
    clockQuality: 1,
    members: 1,
    root: new Uint8Array(32)
  } as const
}
