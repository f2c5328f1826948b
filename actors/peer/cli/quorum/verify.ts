import { asArray, decode, toHex } from '@brume/codec'
import { type Predicate, trustManifest, verifyFinal } from '@brume/protocols/quorum'
import type { Output } from '../output.ts'
import { readDemand } from './demands.ts'
import { readBytes } from './files.ts'

export interface VerifyOptions {
  readonly bundle: string
  readonly trust: string
  readonly domain: string
  readonly require: readonly string[]
}

/** Leaves are arrays that begin with their path; more than that only their program knows. */
const LEAF = { bytesMax: 4_096, itemsMax: 256 }

/** Checks a bundle against a manifest, offline. @throws BundleError, ManifestError, PeerError USAGE */
export async function verify(options: VerifyOptions, output: Output): Promise<void> {
  const trusted = trustManifest(await readBytes(options.trust), { domain: options.domain })
  const { header, signers, leaf } = verifyFinal(await readBytes(options.bundle), trusted, demand(options.require))
  const members = signers.map(({ peer, weight, operator, site, hardware }) => ({
    peer,
    weight,
    operator,
    site,
    hardware
  }))
  const { epoch, height, view, digest } = header
  const shown = leaf === null ? null : leafOf(leaf)
  output.tell({ group: toHex(header.groupId), epoch, height, view, digest, signers: members, leaf: shown })
  const weight = signers.reduce((sum, one) => sum + one.weight, 0)
  output.say(`final    block ${digest} of group ${toHex(header.groupId).slice(0, 16)}`)
  output.say(`place    epoch ${epoch}, height ${height}, view ${view}`)
  output.say(`signed   by ${signers.length} members that weigh ${weight} of ${trusted.committee.total}`)
  if (shown !== null)
    output.say(`proves   ${shown.path} = ${JSON.stringify(Buffer.from(shown.value, 'base64').toString())}`)
}

function demand(required: readonly string[]): Predicate {
  const demands = required.map(readDemand)
  return (signers) =>
    demands.every(({ attribute, minDistinct }) => new Set(signers.map((one) => one[attribute])).size >= minDistinct)
}

/** The path a leaf begins with, and its value in base64. */
export function leafOf(leaf: Uint8Array): { readonly path: string; readonly value: string } {
  const [path, value] = asArray(decode(leaf, LEAF), 'leaf', { min: 1, max: 16 })
  const bytes = value instanceof Uint8Array ? value : leaf
  return { path: String(path), value: Buffer.from(bytes).toString('base64') }
}
