import { PROFILES } from '../links/profiles.ts'
import type { LinkRule } from '../links/rules.ts'
import { BEHAVIOURS, type Behaviour } from '../runner/messages.ts'
import { fits } from '../runner/selectors.ts'
import { choice, count, defaulting, flag, list, number, type Reader, record, refuse, text } from './fields.ts'

/** Peers of one run: a quorum has no more members. */
const PEERS_MAX = 100
const DURATION_S_MAX = 86_400
const RATE_MAX = 1_000
const LIST_MAX = 64

/** What a Byzantine group does, and when; seconds since the load began. */
export interface Misbehaviour extends Behaviour {
  readonly fromS: number
  readonly untilS: number
}

/** Peers `<name>1` to `<name><count>`, all alike. */
export interface Group {
  readonly name: string
  readonly count: number
  /** In the quorum, 1 to 1,000. */
  readonly weight: number
  readonly operator: string
  readonly site: string
  readonly roles: readonly string[]
  readonly byzantine: Misbehaviour | null
}

/** Increments of the counter, submitted through honest members by clients `c1` to `c<clients>`. */
export interface Load {
  readonly atS: number
  /** 0: until the end. */
  readonly forS: number
  readonly ratePerS: number
  readonly clients: number
}

export const ACTIONS = [
  'kill',
  'restart',
  'pause',
  'starve',
  'wipe',
  'damage',
  'slow-disk',
  'disconnect',
  'partition'
] as const
export const DAMAGES = ['journal', 'journal-tail', 'store-log', 'store-table'] as const

/** One fault, or the same again and again. */
export interface Perturbation {
  readonly atS: number
  readonly target: string
  readonly action: (typeof ACTIONS)[number]
  /** From the fault until it is undone. */
  readonly forS: number
  /** At least so long from one to the next; the next waits besides until the last one's targets are back. */
  readonly everyS: number
  readonly count: number
  /** How soon after the fault's end its targets have to be back. */
  readonly backWithinS: number
  /** While it lasts the group has to go on, or has to stand still. */
  readonly expect: 'progress' | 'halt'
  /** For `damage`. */
  readonly where: (typeof DAMAGES)[number]
}

export interface CheckSpec {
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
}

export interface Manifest {
  readonly name: string
  /** One sentence for whoever runs it: what is done to the group, and what must follow. */
  readonly about: string
  /** Draws `random:<k>`; empty: a new one each time. */
  readonly seed: string
  /** How long the load lasts at least; faults that are not over by then are waited for. */
  readonly durationS: number
  readonly program: 'counter'
  readonly pace: { readonly deltaMs: number; readonly minViewMs: number }
  /** Attributes no single value of which may weigh more than the faults that are tolerated. */
  readonly caps: readonly ('operator' | 'site')[]
  readonly discovery: 'mdns' | 'list'
  readonly groups: readonly Group[]
  readonly links: readonly LinkRule[]
  readonly workload: readonly Load[]
  readonly perturb: readonly Perturbation[]
  readonly checks: readonly CheckSpec[]
}

export const name = text(/^[a-z][a-z0-9-]{0,39}$/, 'a name of small letters, digits and hyphens')
const groupName = text(/^[a-z][a-z-]{0,23}$/, 'a name of small letters and hyphens, without digits')
const words = text(/^[\p{L}\p{N} .:_-]{0,64}$/u, 'at most 64 letters, digits, spaces and hyphens')
export const about = defaulting(text(/^.{0,300}$/su, 'a sentence of at most 300 characters'), '')
export const seed = defaulting(text(/^[0-9a-f]{0,64}$/, 'at most 64 hex digits'), '')
const selector = text(/^\S{1,64}$/, 'a selector: all, a peer, <group>:*, site:<s>, operator:<o> or random:<k>')
const seconds = number(0, DURATION_S_MAX)
const nullable = <T>(read: Reader<T>): Reader<T | null> => defaulting<T | null>(read, null)

const misbehaviour = record<Misbehaviour>('a behaviour', {
  behaviour: choice(...BEHAVIOURS),
  clients: defaulting(list(name, 1, LIST_MAX), []),
  delayMs: defaulting(count(0, 60_000), 0),
  fromS: defaulting(seconds, 0),
  untilS: defaulting(seconds, DURATION_S_MAX)
})

const group = record<Group>('a group', {
  name: groupName,
  count: count(1, PEERS_MAX),
  weight: defaulting(count(1, 1_000), 1),
  operator: defaulting(words, ''),
  site: defaulting(words, ''),
  roles: defaulting(list(choice('relay', 'bootstrap', 'gateway', 'storage', 'executor'), 0, 5), []),
  byzantine: nullable(misbehaviour)
})

const linkRule = record<LinkRule>('a link rule', {
  from: selector,
  to: selector,
  bothWays: defaulting(flag, true),
  profile: nullable(choice(...PROFILES)),
  delayMs: nullable(number(0, 10_000)),
  jitterMs: nullable(number(0, 10_000)),
  lossPct: nullable(number(0, 50)),
  rateKbit: nullable(number(8, 10_000_000))
})

const load = record<Load>('a workload', {
  atS: defaulting(seconds, 0),
  forS: defaulting(seconds, 0),
  ratePerS: number(0.1, RATE_MAX),
  clients: defaulting(count(1, LIST_MAX), 1)
})

const perturbation = record<Perturbation>('a perturbation', {
  atS: seconds,
  target: selector,
  action: choice(...ACTIONS),
  forS: defaulting(seconds, 3),
  everyS: defaulting(seconds, 0),
  count: defaulting(count(1, 100_000), 1),
  backWithinS: defaulting(seconds, 60),
  expect: defaulting(choice('progress', 'halt'), 'progress'),
  where: defaulting(choice(...DAMAGES), 'journal')
})

const anyArguments: Reader<Readonly<Record<string, unknown>>> = (value, where) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : refuse(where, 'must be an object')

const manifest = record<Manifest>('a scenario', {
  ...{ name, about, seed },
  durationS: number(1, DURATION_S_MAX),
  program: defaulting(choice('counter'), 'counter'),
  pace: defaulting(
    record('a pace', { deltaMs: defaulting(count(1, 60_000), 250), minViewMs: defaulting(count(0, 60_000), 10) }),
    { deltaMs: 250, minViewMs: 10 }
  ),
  caps: defaulting(list(choice('operator', 'site'), 0, 2), []),
  discovery: defaulting(choice('mdns', 'list'), 'mdns'),
  groups: list(group, 1, LIST_MAX),
  links: defaulting(list(linkRule, 0, LIST_MAX), []),
  workload: defaulting(list(load, 0, LIST_MAX), []),
  perturb: defaulting(list(perturbation, 0, LIST_MAX), []),
  checks: list(record<CheckSpec>('a check', { name, args: defaulting(anyArguments, {}) }), 1, LIST_MAX)
})

/** @throws TestnetError `BRUME_TESTNET_MANIFEST`, naming the field */
export function readManifest(value: unknown): Manifest {
  const read = manifest(value, 'scenario')
  const peers = read.groups.reduce((sum, one) => sum + one.count, 0)
  if (peers > PEERS_MAX) refuse('scenario.groups', `have ${peers} peers together; a run has at most ${PEERS_MAX}`)
  if (new Set(read.groups.map((one) => one.name)).size < read.groups.length) {
    refuse('scenario.groups', 'have a name twice')
  }
  read.perturb.forEach(({ target }, index) => {
    requireTarget(target, read.groups, `scenario.perturb[${index}].target`)
  })
  read.workload.forEach((one, index) => {
    if (one.atS >= read.durationS) refuse(`scenario.workload[${index}].atS`, 'lies beyond durationS')
  })
  return read
}

/** A target that nobody fits would leave the fault out, and the scenario would prove nothing. */
function requireTarget(selector: string, groups: readonly Group[], where: string): void {
  const [, drawn] = /^random:(\d+)$/.exec(selector) ?? []
  const honest = groups.reduce((sum, { byzantine, count: peers }) => sum + (byzantine === null ? peers : 0), 0)
  if (drawn !== undefined && Number(drawn) >= 1 && Number(drawn) <= honest) return
  const peers = groups.flatMap(({ name: group, count: peers, operator, site }) =>
    Array.from({ length: peers }, (_, index) => ({ name: `${group}${index + 1}`, group, operator, site }))
  )
  if (peers.some((peer) => fits(selector, peer))) return
  refuse(where, `is ${JSON.stringify(selector)}, which fits no peer; random:<k> draws from ${honest} honest ones`)
}
