import { compare, equal } from '@brume/codec'
import { faultWeight } from '@brume/consensus'
import {
  CANDIDATES_MAX,
  type Candidacy,
  type Manifest,
  type ManifestMember,
  type Membership,
  type SystemCommand,
  VOUCHES_PER_MEMBER_MAX,
  type Vouch,
  WARRANTS_MAX,
  type Warrant
} from '@brume/protocols/quorum'

/** Evidence and leaving close two epochs at once: what is formed at the end of one acts after the next. */
const URGENT_EPOCHS = 2

/** Before the first block: the manifest's members decide in epochs 0 and 1. */
export function founding({ nonce, members }: Manifest): Membership {
  return {
    epoch: 0,
    openedHeight: 0,
    openedMs: 0,
    seed: nonce,
    draw: nonce,
    drawn: [],
    members,
    next: members,
    candidates: [],
    vouches: [],
    leaving: [],
    warrants: [],
    closes: [],
    urgent: 0
  }
}

/** Is this client one that the quorum listens to in such a matter? Anybody may ask to be let in. */
export function mayCall(membership: Membership, client: Uint8Array, { name }: SystemCommand): boolean {
  switch (name) {
    case 'join':
      return true
    case 'vouch':
    case 'close':
      return has(membership.members, client)
    case 'leave':
    case 'evidence':
      return isKnown(membership, client)
  }
}

/** What a command that takes effect does: a new membership, or the same one where it changes nothing. */
export function applySystem(
  membership: Membership,
  client: Uint8Array,
  command: SystemCommand,
  height: number
): Membership {
  if (!mayCall(membership, client, command)) return membership
  switch (command.name) {
    case 'join':
      return equal(command.candidate.key, client) ? join(membership, { ...command.candidate, height }) : membership
    case 'vouch':
      return vouch(membership, { voucher: client, ...command })
    case 'leave':
      return leave(membership, client)
    case 'evidence':
      return warrant(membership, command.evidence)
    case 'close':
      return { ...membership, closes: put(membership.closes, client, keyItself) }
  }
}

function join(membership: Membership, candidate: Candidacy): Membership {
  const before = membership.candidates.find(({ key }) => equal(key, candidate.key))
  const leaving = membership.leaving.filter((key) => !equal(key, candidate.key))
  const asked = { ...candidate, height: before?.height ?? candidate.height }
  const others = before === undefined ? makeRoom(membership) : membership.candidates
  return others === null ? membership : { ...membership, leaving, candidates: put(others, asked, keyOf) }
}

/** The one that has waited longest without anybody vouching for it gives way; null if all have somebody. */
function makeRoom({ candidates, vouches }: Membership): readonly Candidacy[] | null {
  if (candidates.length < CANDIDATES_MAX) return candidates
  const lonely = candidates.filter(({ key }) => !vouches.some(({ subject, admit }) => admit && equal(subject, key)))
  const [first] = lonely.toSorted((a, b) => a.height - b.height || compare(a.key, b.key))
  return first === undefined ? null : candidates.filter((candidate) => candidate !== first)
}

function vouch(membership: Membership, said: Vouch): Membership {
  const { voucher, subject, admit, class: ownClass, untilEpoch } = said
  const opinion: Vouch = { voucher, subject, admit, class: ownClass, untilEpoch }
  const others = membership.vouches.filter((other) => !equal(other.voucher, voucher) || !equal(other.subject, subject))
  const own = others.filter((other) => equal(other.voucher, voucher)).length
  if (own >= VOUCHES_PER_MEMBER_MAX) return membership
  return { ...membership, vouches: [...others, opinion].sort(compareVouches) }
}

function compareVouches(a: Vouch, b: Vouch): number {
  return compare(a.voucher, b.voucher) || compare(a.subject, b.subject)
}

function leave(membership: Membership, key: Uint8Array): Membership {
  const candidates = membership.candidates.filter((candidate) => !equal(candidate.key, key))
  if (!isSeated(membership, key)) return { ...membership, candidates }
  if (membership.leaving.some((other) => equal(other, key))) return membership
  return { ...membership, candidates, leaving: put(membership.leaving, key, keyItself), urgent: URGENT_EPOCHS }
}

/** One warrant a key is enough; a key that is neither member nor candidate is nobody's concern. */
function warrant(membership: Membership, { key, epoch, view, kind }: Warrant): Membership {
  if (!isKnown(membership, key) || has(membership.warrants, key)) return membership
  const [oldest] = membership.warrants.toSorted((a, b) => a.epoch - b.epoch || compare(a.key, b.key))
  const full = membership.warrants.length >= WARRANTS_MAX
  const kept = full ? membership.warrants.filter((other) => other !== oldest) : membership.warrants
  const warrants = put(kept, { key, epoch, view, kind }, keyOf)
  return { ...membership, warrants, urgent: isSeated(membership, key) ? URGENT_EPOCHS : membership.urgent }
}

/** Do members of more than F weight want this epoch closed, or must it close for a change to act soon? */
export function isUrgent({ urgent, closes, members }: Membership): boolean {
  if (urgent > 0) return true
  if (closes.length === 0) return false
  const total = members.reduce((sum, { weight }) => sum + weight, 0)
  const wanting = members.filter(({ key }) => closes.some((other) => equal(other, key)))
  return wanting.reduce((sum, { weight }) => sum + weight, 0) > faultWeight(total)
}

/** Must the block after this parent close the epoch? The membership is that after the parent. */
export function mustClose(
  membership: Membership,
  parent: { readonly height: number; readonly timeMs: number },
  pace: { readonly epochBlocks: number; readonly epochMs: number }
): boolean {
  const { openedHeight, openedMs } = membership
  if (parent.height - openedHeight >= pace.epochBlocks) return true
  // Group time counts from the first block: before it there is none.
  if (openedMs > 0 && parent.timeMs - openedMs >= pace.epochMs) return true
  return isUrgent(membership)
}

export function isSeated({ members, next }: Membership, key: Uint8Array): boolean {
  return has(members, key) || has(next, key)
}

export function isKnown(membership: Membership, key: Uint8Array): boolean {
  return isSeated(membership, key) || has(membership.candidates, key)
}

export function has(list: readonly { readonly key: Uint8Array }[], key: Uint8Array): boolean {
  return list.some((item) => equal(item.key, key))
}

const keyOf = ({ key }: { readonly key: Uint8Array }): Uint8Array => key
const keyItself = (key: Uint8Array): Uint8Array => key

/** Into a list that ascends by key, instead of what was there. */
function put<T>(list: readonly T[], item: T, key: (item: T) => Uint8Array): readonly T[] {
  const others = list.filter((other) => !equal(key(other), key(item)))
  return [...others, item].sort((a, b) => compare(key(a), key(b)))
}

/** What sits now, as it last said that it runs. */
export function describe(membership: Membership, member: ManifestMember): ManifestMember {
  const told = membership.candidates.find(({ key }) => equal(key, member.key))
  if (told === undefined) return member
  const { attestation: _, height: __, ...fields } = told
  return { ...member, ...fields }
}
