import { randomBytes } from 'node:crypto'
import { fromHex, toHex } from '@brume/codec'
import { keyFromPeerId } from '@brume/crypto'
import {
  type Admission,
  committeeOf,
  DEFAULT_PACE,
  decodeManifest,
  encodeManifest,
  groupIdOf,
  type Manifest,
  requireSoundManifest,
  risksOf
} from '@brume/protocols/quorum'
import { PeerError } from '../../errors.ts'
import type { PeerReport } from '../../report.ts'
import { type Output, paint, table } from '../output.ts'
import { readAttribute, readDemand } from './demands.ts'
import { readBytes, writeBytes } from './files.ts'
import { ask } from './running.ts'

export interface CreateOptions {
  readonly dataDir: string | undefined
  /** `<peer id>` or `<peer id>=<weight>`; none: every member that is up. */
  readonly members: readonly string[]
  readonly name: string
  readonly program: string
  readonly from?: string
  readonly admit: string
  readonly diversity: readonly string[]
  readonly cap: readonly string[]
  readonly survive: readonly string[]
  readonly out?: string
}

/** That of a member whose key lies in a file, in the default policy. */
const WEIGHT = 100

/** Writes a manifest and says what single domains can do to the group. @throws PeerError, ManifestError, CommitteeError */
export async function create(options: CreateOptions, output: Output): Promise<void> {
  const known = await knownPeers(options)
  const bytes = encodeManifest({
    name: options.name,
    nonce: new Uint8Array(randomBytes(32)),
    admit: readAdmit(options.admit),
    pace: DEFAULT_PACE,
    policy: {
      classWeights: [100, 150, 200],
      caps: options.cap.map(readAttribute),
      surviveDown: options.survive.map(readAttribute),
      diversity: options.diversity.map(readDemand)
    },
    members: chosen(options.members, known).map(([peer, weight]) => memberOf(peer, weight)),
    program: new Uint8Array(Buffer.from(options.program))
  })
  const manifest = decodeManifest(bytes)
  requireSoundManifest(manifest)
  const group = toHex(groupIdOf(bytes))
  const file = options.out ?? `${group}.cbor`
  await writeBytes(file, bytes)
  report(bytes, manifest, { group, file }, output)
}

async function knownPeers({ from, dataDir }: CreateOptions): Promise<readonly PeerReport[]> {
  const answer = from === undefined ? await ask(dataDir, 'peers') : parse(await readBytes(from), from)
  const { peers } = answer as { readonly peers?: readonly PeerReport[] }
  if (Array.isArray(peers)) return peers
  throw new PeerError('BRUME_PEER_USAGE', `${from ?? 'the answer'} is not what \`brume peers --json\` prints`)
}

function parse(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch (error) {
    throw new PeerError('BRUME_PEER_USAGE', `${path} is not JSON`, error)
  }
}

function chosen(asked: readonly string[], known: readonly PeerReport[]): readonly (readonly [PeerReport, number])[] {
  if (asked.length === 0) return known.filter(({ self, state }) => self || state === 'up').map((peer) => [peer, WEIGHT])
  return asked.map((text) => {
    const [, id = '', weight = String(WEIGHT)] = /^([^=]+)(?:=(\d{1,4}))?$/.exec(text) ?? []
    const peer = known.find((one) => one.peer === id)
    if (peer !== undefined) return [peer, Number(weight)]
    throw new PeerError('BRUME_PEER_USAGE', `${text} is no <peer id> or <peer id>=<weight> of a member that is known`)
  })
}

function memberOf({ peer, vrfKey, place, host }: PeerReport, weight: number) {
  const key = keyFromPeerId(peer)
  if (key === undefined) throw new PeerError('BRUME_PEER_USAGE', `${peer} is no peer id with a key in it`)
  const { operator, site } = place
  return { peer, key, vrfKey: fromHex(vrfKey), weight, operator, site, hardware: host.class }
}

function readAdmit(text: string): Admission {
  if (text === 'members' || text === 'open') return { type: text }
  const keys = text.split(',').map((id) => keyFromPeerId(id))
  const known = keys.filter((key) => key !== undefined)
  if (known.length === keys.length) return { type: 'listed', keys: known }
  throw new PeerError('BRUME_PEER_USAGE', '--admit takes members, open, or peer ids separated by commas')
}

function report(
  bytes: Uint8Array,
  manifest: Manifest,
  { group, file }: { readonly group: string; readonly file: string },
  output: Output
): void {
  const { total, faults, quorum } = committeeOf(bytes)
  const members = manifest.members.map(({ peer, weight, operator, site, hardware }) => ({
    ...{ peer, weight, operator, site, hardware }
  }))
  const risks = risksOf(manifest)
  output.tell({ group, file, members, weight: { total, faults, quorum }, risks })
  output.say(`${paint.bold('group')}    ${group}`)
  output.say(`manifest ${file}: give it to every member, and there: brume quorum join ${file}`)
  output.say(`weight   ${total} in all, ${faults} may fail or lie, ${quorum} decide`)
  const yes = (may: boolean): string => (may ? 'yes' : 'no')
  const rows = risks.map((one) => [
    `${one.attribute} ${one.domain}`,
    String(one.weight),
    yes(one.maySilent),
    yes(one.mayLie)
  ])
  for (const line of table([['DOMAIN', 'WEIGHT', 'MAY BE SILENT', 'MAY LIE'], ...rows])) output.say(line)
}
