import { TestnetError } from '../errors.ts'
import { explore } from '../simulation/explore/explorer.ts'
import { type Walked, walk } from '../simulation/explore/walk.ts'
import { mutantNamed } from '../simulation/mutants/all.ts'

export interface OrdersOptions {
  /** Undefined: two to their end, three with `states`. */
  readonly views?: number
  /** So many global states one by one, not all of them. */
  readonly states?: number
  readonly restarts: boolean
  /** Of processor time. */
  readonly seconds: number
  readonly mutant?: string
  readonly json: boolean
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Rejects with `BRUME_TESTNET_VIOLATION` where a lemma was broken, or not all was searched that was to be. */
export function exploreOrders(options: OrdersOptions): void {
  if (options.states === undefined) exhaust(options)
  else wander(options, options.states)
}

const rulesOf = (mutant: string | undefined) => (mutant === undefined ? undefined : mutantNamed(mutant).rules)

const leaderOf = (view: number | null) => `the liar leads ${view === null ? 'no view' : `view ${view}`}`

/** Of the processor: a busy machine is to come as far as an idle one. */
function cpuS(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Every interleaving of what four members say to each other in the first views, one of them a liar. */
function exhaust({ views = 2, seconds, restarts, json, mutant }: OrdersOptions): void {
  const results = explore({ views, seconds, restarts, rules: rulesOf(mutant), nowS: cpuS })
  for (const { liarLeads, states, sayings, globalStates, localStates, isComplete, violation } of results) {
    say(
      `${leaderOf(liarLeads)}: ${states} public states in ${sayings} sayings, standing for ${globalStates} global ones, ` +
        `${localStates} local; ${isComplete ? 'all of them' : 'cut short'}; ${violation ?? 'no contradiction'}`
    )
  }
  if (json) say(JSON.stringify({ results }))
  failOn(results)
  if (results.some(({ isComplete }) => !isComplete))
    throw new TestnetError('BRUME_TESTNET_VIOLATION', `not all of it in ${seconds} s of processor time`)
}

/** Letters of the honest that may overtake others in one run of a walk. */
const REORDERINGS = 2

/** Global states one by one: more views, fewer orders. */
function wander({ views = 3, restarts, json, mutant }: OrdersOptions, states: number): void {
  const startS = cpuS()
  const line = ({ liarLeads, states, statesInLast, localStates, deepestView, isExhausted, violation }: Walked) =>
    `${leaderOf(liarLeads)}: ${states} states, ${statesInLast} of them in view ${views} or past it, ${localStates} local, deepest view ` +
    `${deepestView}; ${isExhausted ? 'no more there' : 'more ahead'}; ${violation ?? 'no contradiction'}; ${(cpuS() - startS).toFixed(1)} s`
  const onProgress = (walked: Walked) => say(line(walked))
  const results = walk({ views, states, reorderings: REORDERINGS, restarts, rules: rulesOf(mutant), onProgress })
  for (const result of results) onProgress(result)
  const sum = results.reduce((total, result) => total + result.states, 0)
  const deepest = Math.max(...results.map(({ deepestView }) => deepestView))
  const rest = results.every(({ isExhausted }) => isExhausted) ? 'all there are' : 'not all there are'
  say(`${sum} states, ${rest}; deepest view ${deepest}; ${(cpuS() - startS).toFixed(1)} s of processor time`)
  if (json) say(JSON.stringify({ results }))
  failOn(results)
}

function failOn(results: readonly { readonly violation: string | null }[]): void {
  const found = results.find(({ violation }) => violation !== null)
  if (found !== undefined) throw new TestnetError('BRUME_TESTNET_VIOLATION', found.violation ?? '')
}
