import { toHex } from '@brume/codec'
import { DEFAULT_NETWORK, type Identity, identityFromSeed, networkId } from '@brume/crypto'
import { encodeAnnouncement, encodeMessage } from './codec.ts'
import { FLAG, RECORDS_MAX, SUMMARIES_MAX, WANT_MAX } from './id.ts'
import type { MembershipMessage, RecordBody, SignedRecord } from './messages.ts'
import { operatorMessage, signRecord, vrfPublicKey } from './validate.ts'

/** Fixed identities for vectors and tests: the seed is the number, repeated. */
export function sampleIdentity(number: number): Identity {
  return identityFromSeed(new Uint8Array(32).fill(number))
}

/** A Raspberry Pi's record as it would be on a home network. */
export function sampleBody(identity: Identity, net: Uint8Array): RecordBody {
  return {
    networkId: net,
    peer: identity.peerId,
    vrfKey: vrfPublicKey(identity.seed),
    notBefore: 490_000,
    seq: 1_764_000_000,
    epoch: 490_003,
    salt: new Uint8Array(16).fill(7),
    flags: FLAG.relay | FLAG.storage,
    degree: 6,
    addresses: ['/ip4/192.168.1.20/tcp/4720', '/ip6/fd00::20/tcp/4720'],
    place: { operator: 'example', site: 'cellar', region: 'eu' },
    certificate: null,
    host: {
      architecture: 'arm64',
      class: 'raspberry-pi',
      tier: 'edge',
      cores: 4,
      memoryMiB: 7_820,
      storageMiB: 51_200,
      gpu: { kind: 4, memoryMiB: 0 },
      fuelRate: 0,
      attestation: 0
    },
    state: { battery: null, charging: false, thermal: 1, mode: 'balanced', load: 12 },
    work: { profiles: [1], capabilities: ['gpu', 'net.ethernet', 'net.wifi'] },
    onion: null,
    extensions: {}
  }
}

/** One message of each kind, and the largest of those that are bounded by count. */
export function sampleMessages(record: SignedRecord): readonly MembershipMessage[] {
  const id = (number: number): Uint8Array => new Uint8Array(16).fill(number)
  return [
    {
      type: 'hello',
      record: record.bytes,
      fogTimeMs: 1_764_000_000_123,
      clockQuality: 2,
      members: 5,
      root: new Uint8Array(32).fill(9)
    },
    { type: 'digest', buckets: new Uint8Array(2_048).fill(3) },
    { type: 'summaries', buckets: [0, 17, 255], entries: [{ id16: id(1), seq: 2 ** 53 - 1 }], answer: true },
    { type: 'want', ids: [id(1), id(2)] },
    { type: 'records', records: [record.bytes] },
    {
      type: 'summaries',
      buckets: Array.from({ length: 256 }, (_, bucket) => bucket),
      entries: Array.from({ length: SUMMARIES_MAX }, (_, seq) => ({ id16: id(seq & 255), seq })),
      answer: false
    },
    { type: 'want', ids: Array.from({ length: WANT_MAX }, (_, number) => id(number)) },
    { type: 'records', records: Array.from({ length: RECORDS_MAX }, () => record.bytes) }
  ]
}

/** The content of `vectors.json`. */
export function vectorsOf() {
  const net = networkId(DEFAULT_NETWORK)
  const [peer, operator] = [sampleIdentity(1), sampleIdentity(9)]
  const plain = signRecord(sampleBody(peer, net), peer.sign)
  const signature = operator.sign(operatorMessage(net, peer.peerId, 500_000))
  const certificate = { key: operator.publicKey, notAfter: 500_000, signature }
  const certified = signRecord({ ...plain.body, certificate }, peer.sign)
  const leaving = signRecord({ ...plain.body, flags: FLAG.leaving, addresses: [], salt: null }, peer.sign)
  const entry = (name: string, record: SignedRecord) => ({ name, network: toHex(net), hex: toHex(record.bytes) })
  return {
    about:
      'Signed records and frames of /brume/membership/1.0.0; identities are 32 times the byte 01 (peer) and 09 (operator).',
    seed: toHex(peer.seed),
    peer: peer.peerId,
    vrfKey: toHex(vrfPublicKey(peer.seed)),
    records: [entry('plain', plain), entry('certified', certified), entry('leaving', leaving)],
    messages: sampleMessages(plain)
      .slice(0, 5)
      .map((message) => ({ type: message.type, hex: toHex(encodeMessage(message)) })),
    announcement: toHex(encodeAnnouncement(plain.bytes))
  }
}
