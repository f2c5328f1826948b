import {
  type Certificate,
  type Committee,
  createState,
  type Event,
  NO_DIGEST,
  type Proposal,
  type Rules,
  type State,
  type Statement,
  step,
  type Vote
} from '@brume/consensus'
import { sha256 } from '@brume/crypto'

/** Nobody forges in this model, so one signature serves all. */
const SIGNATURE = new Uint8Array(64)
/** Far beyond every deadline: when a timer fires is the adversary's to say, so time itself means nothing here. */
const LATE_MS = 1_000_000_000

/** A message by content: who delivers it makes an event of it. */
export type Letter =
  | { readonly type: 'vote'; readonly vote: Vote }
  | { readonly type: 'block'; readonly from: number; readonly proposal: Proposal }
  | { readonly type: 'certificate'; readonly from: number; readonly certificate: Certificate }
  | { readonly type: 'timer' }

export function nameOf(letter: Letter): string {
  switch (letter.type) {
    case 'vote': {
      const { kind, view, signer, digest, parentView } = letter.vote
      return `v${signer}.${kind}.${view}.${parentView}.${digest.slice(0, 8)}`
    }
    case 'block':
      return `b${letter.from}.${letter.proposal.digest.slice(0, 8)}`
    case 'certificate':
      return `c${letter.certificate.kind}.${letter.certificate.view}.${letter.certificate.digest.slice(0, 8)}.${letter.certificate.signers.join('')}`
    case 'timer':
      return 't'
  }
}

export function makeVote(
  kind: Vote['kind'],
  signer: number,
  epoch: number,
  view: number,
  block: Proposal | null
): Vote {
  const { parentView, digest } = block ?? { parentView: 0, digest: NO_DIGEST }
  return { kind, epoch, view, parentView, digest, signer, signature: SIGNATURE }
}

/** By these signers; who assembles it is of no account. */
export function makeCertificate(vote: Vote, signers: readonly number[]): Certificate {
  const { kind, epoch, view, parentView, digest } = vote
  return { kind, epoch, view, parentView, digest, signers, signatures: signers.map(() => SIGNATURE) }
}

export function makeBlock(
  place: {
    readonly epoch: number
    readonly view: number
    readonly parentView: number
    readonly parent: string
    readonly height: number
  },
  variant: string
): Proposal {
  const { epoch, view, parentView, parent, height } = place
  const digest = Buffer.from(sha256(Buffer.from(`${view}/${parentView}/${parent}/${variant}`))).toString('hex')
  return { epoch, view, height, parentView, parent, digest, timeMs: 1, commands: 1, body: null }
}

/** The state of one honest member at its start: it votes, and has commands for a block of its own whenever it leads. */
export function bornMember(committee: Committee, self: number, genesis: State['final'], rules: Partial<Rules>): State {
  const config = { committee, self, genesis, judge: () => true, minViewMs: 0, deltaMs: 100, rules }
  const voting: Event = { type: 'voting', voting: true, nowMs: 0, wallMs: 0 }
  const pool: Event = { type: 'pool', pending: true, version: 1, nowMs: 0, wallMs: 0 }
  return settle(settle(createState(config, 0), voting), pool)
}

/** What a letter does to a member, its disk and its signature checks included: they answer at once. */
export function deliver(state: State, letter: Letter): State {
  const time = { nowMs: 0, wallMs: 0 }
  switch (letter.type) {
    case 'vote': {
      const { vote } = letter
      return settle(state, { type: 'votes', from: vote.signer, votes: [vote], view: vote.view, final: 0, nowMs: 0 })
    }
    case 'block':
      return settle(state, {
        type: 'propose',
        from: letter.from,
        proposal: letter.proposal,
        signature: SIGNATURE,
        ...time
      })
    case 'certificate':
      return settle(state, { type: 'certificate', from: letter.from, certificate: letter.certificate, ...time })
    case 'timer':
      return settle(state, { type: 'tick', nowMs: state.enteredMs + LATE_MS, wallMs: 0 })
  }
}

function settle(before: State, first: Event): State {
  let state = before
  const queue: Event[] = [first]
  const time = { nowMs: 'nowMs' in first ? first.nowMs : 0, wallMs: 0 }
  for (let event = queue.shift(); event !== undefined; event = queue.shift()) {
    const result = step(state, event)
    state = result.state
    for (const effect of result.effects) {
      if (effect.type === 'cast') {
        const vote: Vote = { ...effect.statement, signer: state.config.self ?? 0, signature: SIGNATURE }
        queue.push({ type: 'synced', votes: [vote], ...time })
      } else if (effect.type === 'verify') {
        queue.push({ type: 'verified', purpose: effect.purpose, votes: effect.votes, bad: [], ...time })
      } else if (effect.type === 'build') {
        const proposal = effect.empty ? null : makeBlock({ epoch: state.config.committee.epoch, ...effect }, 'own')
        queue.push({ type: 'built', view: effect.view, proposal, ...time })
      }
    }
  }
  return state
}

type View = NonNullable<State['views'][number]>

export function viewsOf(state: State): readonly View[] {
  return [...state.past, ...state.views].flatMap((view) => (view === undefined ? [] : [view]))
}

export function saidIn({ said }: Pick<View, 'said'>): readonly Statement[] {
  return Object.values(said).filter((statement) => statement !== undefined)
}

/**
 * All that tells two members apart which will ever decide differently. Left out: times (timers fire
 * whenever) and marks (they choose to whom something is repeated); which signatures were checked (all are
 * good); of a view that is final, everything but what was said; of a count that has its certificate, all
 * slots but the leader's, which shows whether the leader lied.
 */
export function keyOf(state: State): string {
  const { view, final, ahead, config } = state
  const leaders = config.committee.leaders
  const views = viewsOf(state).map((at) => {
    const { view: number, held, tallies, leaderLied, builtFrom } = at
    const says = saidIn(at).map(({ kind, digest }) => `${kind}${digest.slice(0, 6)}`)
    if (number <= final.view) return [number, says]
    const leader = leaders[(number - 1) % leaders.length] ?? 0
    const slotKey = (slot: { readonly vote: Vote } | undefined) =>
      slot === undefined ? 0 : `${slot.vote.digest.slice(0, 6)}${slot.vote.parentView}`
    return [
      number,
      held.map(({ proposal, certified, invalid }) => `${proposal.digest.slice(0, 6)}${certified}${invalid}`),
      tallies.map(({ slots, certificate }) =>
        certificate === null ? slots.map(slotKey) : [certificate.digest.slice(0, 6), slotKey(slots[leader])]
      ),
      says,
      leaderLied,
      builtFrom
    ]
  })
  return JSON.stringify([view, final.digest.slice(0, 6), ahead?.certificate.digest.slice(0, 6), views])
}

/** What this member has said and so anybody may hear, up to a view. */
export function lettersOf(state: State, viewMax: number): readonly Letter[] {
  const self = state.config.self ?? 0
  const letters: Letter[] = []
  for (const { view, own, held } of viewsOf(state)) {
    if (view > viewMax) continue
    for (const vote of own) letters.push({ type: 'vote', vote })
    for (const { proposal, signature } of held)
      if (signature.length > 0) letters.push({ type: 'block', from: self, proposal })
  }
  return letters
}
