import type { Clock } from '@brume/ports'
import { addressOf, encodeProof, type ProvedState, verifyState } from '@brume/protocols/actors/proof'
import { LEGACY_PATHS, SNAPSHOT_PATHS } from '@brume/runtime/replica'
import type { GroupAccess } from './directory.ts'
import { fromQuorum, refusal } from './refusals.ts'

/** A frozen state is asked for until all members that may be asked have executed what froze it. */
const FROZEN_WITHIN_MS = 10_000
const AGAIN_AFTER_MS = 250

export type Certified = ProvedState & { readonly proof: Uint8Array }

/**
 * A state of the group's actor, shown: it trusts no member.
 *
 * @param atLeast - height
 * @throws RuntimeError NOACTOR before the first attested state, and as `fromQuorum` says; BundleError
 */
export async function readCertified(
  { client, manifest }: Pick<GroupAccess, 'client' | 'manifest'>,
  address: string,
  atLeast: number,
  more: readonly string[] = []
): Promise<Certified> {
  const found = await client.read([...SNAPSHOT_PATHS, ...more], 'certified', { atLeast }).catch((error: unknown) => {
    throw fromQuorum(error)
  })
  if (found.bundle === null || found.places === null) {
    throw refusal('noactor', `${address} has no state that was attested yet`)
  }
  const proof = encodeProof(manifest, found.bundle, found.places.slice(1))
  return { ...verifyState(proof, address), proof }
}

/** All that another machine needs to go on from it. @throws as `readCertified` */
export function readWhole(group: GroupAccess, atLeast: number): Promise<Certified> {
  return readCertified(group, addressOf(group.manifest), atLeast, LEGACY_PATHS)
}

/** As `readWhole`, once it is frozen. @throws also RuntimeError REJECTED where it is not in time */
export async function readFrozen(group: GroupAccess, clock: Clock): Promise<Certified> {
  for (const endMs = clock.now() + FROZEN_WITHIN_MS; ; ) {
    const state = await readWhole(group, group.atLeast)
    if (state.snapshot.frozen) return state
    if (clock.now() >= endMs) throw refusal('rejected', `${addressOf(group.manifest)} is not frozen`)
    await new Promise<void>((go) => clock.after(AGAIN_AFTER_MS, go))
  }
}
