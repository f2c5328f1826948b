import { equal, toHex, utf8 } from '@brume/codec'
import { sha256 } from '@brume/crypto'
import type { PeerId } from '@brume/ports'
import { decodeManifest } from '@brume/protocols/quorum'
import { groupAuthority } from '@brume/runtime/address'
import { type Bundle, bundleLogic, decodeTerms } from '@brume/runtime/replica'
import type { Hosted } from '../../hosted.ts'
import { isActorManifest, type Replicable } from '../group/hosting.ts'

const NAME = 'placement'
const URL_OF_MACHINE = new URL(import.meta.resolve('@brume/runtime/standby/placement.machine'))

/** Of this process: peers in one process need not bundle it each. It is brume's own and was tried before it was shipped. */
let bundle: Promise<Bundle> | undefined

/** The machine of placement groups, as each peer has it registered. */
export function placementLogic(consents: Replicable['consents']): Replicable {
  const bundled = (): Promise<Bundle> => {
    bundle ??= bundleLogic(URL_OF_MACHINE)
    return bundle
  }
  return { name: NAME, bundle: bundled, consents }
}

/** The authorities of the placement groups that this peer takes part in. */
export async function placementGroups(
  hosted: Pick<Hosted, 'groups' | 'manifestOf'>,
  logic: Replicable
): Promise<readonly string[]> {
  const found: string[] = []
  for (const { id, groupId } of hosted.groups) {
    const manifest = hosted.manifestOf(id)
    if (manifest === undefined || !isActorManifest(manifest)) continue
    const { logicId } = decodeTerms(decodeManifest(manifest).program)
    if (equal(logicId, (await logic.bundle()).logicId)) found.push(groupAuthority(groupId))
  }
  return found
}

/** The name of the group of these members: whoever founds it twice has it once. */
export function groupName(members: readonly PeerId[]): string {
  return `${NAME}-${toHex(sha256(utf8(members.toSorted().join(' '))).subarray(0, 4))}`
}
