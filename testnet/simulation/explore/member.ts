import {
  type Certificate,
  type Committee,
  createState,
  type Event,
  KIND,
  leaderOf,
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
  /** Of one statement, by different signers. */
  | { readonly type: 'votes'; readonly votes: readonly Vote[] }
  | { readonly type: 'block'; readonly from: number; readonly proposal: Proposal }
  | { readonly type: 'certificate'; readonly from: number; readonly certificate: Certificate }
  | { readonly type: 'timer' }
  | { readonly type: 'restart' }

export function nameOf(letter: Letter): string {
  switch (letter.type) {
    case 'votes': {
      const [vote] = letter.votes
      const signers = letter.votes.map(({ signer }) => signer).join('')
      return `v${vote?.kind}.${vote?.view}.${vote?.digest.slice(0, 8)}.${signers}`
    }
    case 'block':
      return `b${letter.from}.${letter.proposal.digest.slice(0, 8)}`
    case 'certificate':
      return `c${letter.certificate.kind}.${letter.certificate.view}.${letter.certificate.digest.slice(0, 8)}.${letter.certificate.signers.join('')}`
    case 'timer':
    case 'restart':
      return letter.type
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
  return begin(createState(config, 0))
}

function begin(state: State): State {
  const voting: Event = { type: 'voting', voting: true, nowMs: 0, wallMs: 0 }
  const pool: Event = { type: 'pool', pending: true, version: 1, nowMs: 0, wallMs: 0 }
  return settle(settle(state, voting), pool)
}

/** The process ended and begins again from its journal: own votes with their blocks, and certificates above the floor. */
function restart({ config, final, base, past, views: before }: State): State {
  const views = before.filter((view) => view !== undefined)
  const votes = views.flatMap(({ own }) => own)
  const held = views.flatMap((view) =>
    view.held
      .filter(({ proposal }) => view.said[KIND.notarize]?.digest === proposal.digest)
      .map((block) => ({ ...block, certified: false, invalid: false }))
  )
  const certificates = views.flatMap(({ tallies }) => tallies.flatMap(({ certificate }) => certificate ?? []))
  // What is below the floor only serves others; here it also shows what was said.
  return begin({ ...createState(config, 0, { final, votes, held, certificates }), base, past })
}

/** What a letter does to a member, its disk and its signature checks included: they answer at once. The same state if nothing. */
export function deliver(state: State, letter: Letter): State {
  const after = take(state, letter)
  return isSame(state, after) ? state : after
}

function take(state: State, letter: Letter): State {
  const time = { nowMs: 0, wallMs: 0 }
  switch (letter.type) {
    case 'votes':
      return letter.votes.reduce(hear, state)
    case 'block': {
      const { from, proposal } = letter
      return settle(state, { type: 'propose', from, proposal, signature: SIGNATURE, ...time })
    }
    case 'certificate':
      if (isDecided(state, letter.certificate)) return state
      return settle(state, { type: 'certificate', from: letter.from, certificate: letter.certificate, ...time })
    case 'restart':
      return restart(state)
    case 'timer':
      return settle(state, { type: 'tick', nowMs: state.enteredMs + LATE_MS, wallMs: 0 })
  }
}

function hear(state: State, vote: Vote): State {
  return settle(state, { type: 'votes', from: vote.signer, votes: [vote], view: vote.view, final: 0, nowMs: 0 })
}

/**
 * Votes that make a certificate with the last of them, or nothing. A vote that completes none fills its slot and does no more,
 * so a member may as well hear it when it does. That holds for a leader's too: its notarize vote is heard with its block; its
 * nullify vote makes a member say what its timer may make it say at any time; and where two of its votes show that it lied, a
 * member that did not hear both may do all that this one may, and finalize.
 */
export function deliverQuorum(state: State, votes: readonly Vote[]): State {
  const [first] = votes
  if (first === undefined || isDecided(state, first)) return state
  let after = state
  for (const [i, vote] of votes.entries()) {
    after = hear(after, vote)
    if (isDecided(after, vote)) return i === votes.length - 1 ? after : state
  }
  return state
}

/** Whether there is nothing left to count for. */
function isDecided(state: State, { kind, view }: Pick<Vote, 'kind' | 'view'>): boolean {
  if (view <= state.final.view) return true
  return (state.views[view - state.final.view - 1]?.tallies[kind].certificate ?? null) !== null
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

/** As far as decisions go: times and marks may differ. The reducer copies what it writes to. */
function isSame(a: State, b: State): boolean {
  return a.views === b.views && a.past === b.past && a.view === b.view && a.final === b.final && a.ahead === b.ahead
}

type View = NonNullable<State['views'][number]>

export function viewsOf(state: State): readonly View[] {
  return [...state.past, ...state.views].flatMap((view) => (view === undefined ? [] : [view]))
}

export function saidIn({ said }: Pick<View, 'said'>): readonly Statement[] {
  return Object.values(said).filter((statement) => statement !== undefined)
}

/**
 * All that tells two members apart which will ever say different things up to a view. Left out: times (timers fire
 * whenever) and marks (they choose to whom something is repeated); which signatures were checked (all are
 * good); of a view that is final, everything but what was said; of a count that has its certificate, all
 * slots but the leader's, while it still shows which block was first or that the leader lied; that it lied, where no
 * finalize vote hangs on it any more; in which order blocks came (votes tell which was first).
 */
export function keyOf(state: State, viewMax: number): string {
  const { view, final, ahead } = state
  let key = `${view} ${short(final.digest)} ${ahead === null ? '' : short(ahead.certificate.digest)}`
  for (const at of viewsOf(state)) {
    if (at.view > viewMax) continue
    key += `|${at.view}`
    for (const { kind, digest } of saidIn(at)) key += ` ${kind}${short(digest)}`
    if (at.view > final.view) key += openKeyOf(state, at)
  }
  return key
}

function openKeyOf({ view, config: { committee, rules } }: State, at: View): string {
  const leader = leaderOf(committee, at.view)
  // What was said is never unsaid: a vote that it forbids now it always forbids.
  const mayFinalize = rules.mayFinalize({ ...at, leaderLied: false })
  const mayBeLie = mayFinalize && !at.leaderLied
  const isUnvoted = at.view >= view && at.said[KIND.notarize] === undefined && at.said[KIND.nullify] === undefined
  const isLeaderRead = mayBeLie || isUnvoted
  let key = mayFinalize && at.leaderLied ? ';lied' : ';'
  for (const { slots, certificate } of at.tallies) {
    key += certificate === null ? ';' : `;${short(certificate.digest)}:`
    if (certificate === null) for (const slot of slots) key += slot === undefined ? '-' : short(slot.vote.digest)
    else if (isLeaderRead) key += short(slots[leader]?.vote.digest ?? '')
  }
  const held = at.held.map(({ proposal, certified, invalid }) => `${short(proposal.digest)}${certified}${invalid}`)
  return `${key};${held.sort().join()};${isUnvoted ? at.builtFrom : ''}`
}

const short = (digest: string) => digest.slice(0, 6)
