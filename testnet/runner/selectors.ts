import { TestnetError } from '../errors.ts'

/** A uniform choice of `count` of these, in their order. `random` answers in [0, 1). */
export function choose<T>(from: readonly T[], count: number, random: () => number = Math.random): readonly T[] {
  const left = from.map((_, index) => index)
  const taken = new Set<number>()
  while (taken.size < count) {
    const [index] = left.splice(Math.floor(random() * left.length), 1)
    if (index === undefined) break
    taken.add(index)
  }
  return from.filter((_, index) => taken.has(index))
}

/** What peers are selected by. */
export interface Selectable {
  readonly name: string
  readonly group: string
  readonly site: string
  readonly operator: string
}

/**
 * Peers by selector: a name, `<group>:*`, `site:<s>`, `operator:<o>`, `all`, or `random:<k>`, the last two among `eligible`.
 * Throws `BRUME_TESTNET_UNKNOWN_PEER` for what fits nobody and for more random ones than there are.
 */
export function selectPeers(
  selectors: readonly string[],
  peers: readonly Selectable[],
  eligible: readonly string[],
  random: () => number = Math.random
): readonly string[] {
  const chosen = selectors.flatMap((selector) => {
    if (selector === 'all') return eligible
    if (selector.startsWith('random:')) return chooseRandom(selector, eligible, random)
    const found = peers.filter((peer) => fits(selector, peer)).map(({ name }) => name)
    if (found.length > 0) return found
    const names = peers.map(({ name }) => name).join(' ')
    throw new TestnetError('BRUME_TESTNET_UNKNOWN_PEER', `'${selector}' is no peer of this run; it has ${names}`)
  })
  return [...new Set(chosen)]
}

/** `all` fits too: where nothing is drawn, a link rule for instance, everybody is meant. */
export function fits(selector: string, { name, group, site, operator }: Selectable): boolean {
  return ['all', name, `${group}:*`, `site:${site}`, `operator:${operator}`].includes(selector)
}

function chooseRandom(selector: string, eligible: readonly string[], random: () => number): readonly string[] {
  const count = Number(selector.slice('random:'.length))
  if (!Number.isInteger(count) || count < 1 || count > eligible.length) {
    const message = `'${selector}': write random:<k> with k from 1 to ${eligible.length}, the peers it may take`
    throw new TestnetError('BRUME_TESTNET_UNKNOWN_PEER', message)
  }
  return choose(eligible, count, random)
}
