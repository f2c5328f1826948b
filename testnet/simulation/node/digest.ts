import type { Effect, Event, Statement } from '@brume/consensus'
import { mix, mixBytes, mixHex } from '../world/log-hash.ts'
import type { Frame } from './frame.ts'

const EVENTS: readonly Event['type'][] = [
  'votes',
  'propose',
  'certificate',
  'request',
  'status',
  'up',
  'down',
  'verified',
  'synced',
  'built',
  'pool',
  'pace',
  'voting',
  'adopt',
  'tick'
]
const EFFECTS: readonly Effect['type'][] = [
  'send',
  'cast',
  'verify',
  'build',
  'keep',
  'notarized',
  'finalized',
  'entered',
  'spread',
  'behind',
  'conflict',
  'dropped'
]
const EFFECT_BASE = 64
/** Frames that reached a process, by the place of their type. */
export const FRAME_KIND = 128
/** What the world did: faults, crashes, restarts. */
export const FAULT_KIND = 200

const kinds = new Map<string, number>([
  ...EVENTS.map((type, i) => [type, i] as const),
  ...EFFECTS.map((type, i) => [type, EFFECT_BASE + i] as const)
])

/** A number below 128 for each type of event and effect; 127 for one that is newer than this list. */
export const kindOf = (type: string): number => kinds.get(type) ?? 127

function mixStatement(digest: number, { kind, view, parentView, digest: hex }: Statement): number {
  return mixHex(mix(mix(mix(digest, kind), view), parentView), hex)
}

function mixVotes(
  digest: number,
  votes: readonly (Statement & { readonly signer: number; readonly signature: Uint8Array })[]
) {
  let mixed = mix(digest, votes.length)
  for (const vote of votes) mixed = mixBytes(mix(mixStatement(mixed, vote), vote.signer), vote.signature)
  return mixed
}

/** 32 bits over what an event says. */
export function digestOfEvent(event: Event): number {
  const time = 'nowMs' in event ? mix(1, Math.round(event.nowMs * 1_000)) : 1
  switch (event.type) {
    case 'votes':
      return mixVotes(mix(mix(mix(time, event.from), event.view), event.final), event.votes)
    case 'propose':
      return mixHex(mix(time, event.from), event.proposal.digest)
    case 'certificate':
      return mixStatement(mix(time, event.from), event.certificate)
    case 'verified':
      return mix(mixVotes(time, event.votes), event.bad.length)
    case 'synced':
      return mixVotes(time, event.votes)
    case 'built':
      return mixHex(mix(time, event.view), event.proposal?.digest ?? '')
    case 'pool':
      return mix(mix(time, event.version), Number(event.pending))
    case 'request':
      return mix(mix(mix(time, event.from), event.view), event.want)
    case 'status':
      return mix(mix(mix(time, event.from), event.view), event.final)
    case 'up':
    case 'down':
      return mix(time, event.member)
    case 'adopt':
      return mixHex(time, event.final.digest)
    default:
      return time
  }
}

/** 32 bits over what an effect asks for. */
export function digestOfEffect(effect: Effect): number {
  switch (effect.type) {
    case 'send':
      return mix(mix(2, effect.to === 'all' ? 255 : effect.to), effect.message.type.length)
    case 'cast':
      return mixStatement(3, effect.statement)
    case 'verify':
      return mixVotes(4, effect.votes)
    case 'keep':
      return mixStatement(5, effect.certificate)
    case 'build':
      return mix(mix(6, effect.view), effect.height)
    case 'finalized':
      return mixStatement(7, effect.certificate)
    case 'entered':
      return mix(8, effect.view)
    case 'conflict':
      return mixStatement(mixStatement(9, effect.a), effect.b)
    case 'dropped':
      return mix(mix(10, effect.from), effect.reason.length)
    default:
      return 11
  }
}

export function digestOfFrame(from: number, { content, view, final, attempt }: Frame): number {
  const head = mix(mix(mix(mix(12, from), view), final), attempt)
  switch (content.type) {
    case 'votes':
      return mixVotes(head, content.votes)
    case 'propose':
      return mixBytes(mixHex(head, content.proposal.digest), content.signature)
    case 'certificate':
      return mixStatement(head, content.certificate)
    case 'command':
      return mixHex(head, content.command.id)
    case 'chapter':
      return mix(head, content.blocks.length)
    default:
      return head
  }
}
