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

/**
 * Peers by selector: a name, `all`, or `random:<k>` among `eligible`. Throws
 * `BRUME_TESTNET_UNKNOWN_PEER` for a name that is not in the run or more random ones than there are.
 */
export function selectPeers(
  selectors: readonly string[],
  names: readonly string[],
  eligible: readonly string[],
  random: () => number = Math.random
): readonly string[] {
  const chosen = selectors.flatMap((selector) => {
    if (selector === 'all') return eligible
    if (selector.startsWith('random:')) return chooseRandom(selector, eligible, random)
    if (names.includes(selector)) return [selector]
    throw new TestnetError('BRUME_TESTNET_UNKNOWN_PEER', `no peer '${selector}' in this run; it has ${names.join(' ')}`)
  })
  return [...new Set(chosen)]
}

function chooseRandom(selector: string, eligible: readonly string[], random: () => number): readonly string[] {
  const count = Number(selector.slice('random:'.length))
  if (!Number.isInteger(count) || count < 1 || count > eligible.length) {
    const message = `'${selector}': write random:<k> with k from 1 to ${eligible.length}, the peers it may take`
    throw new TestnetError('BRUME_TESTNET_UNKNOWN_PEER', message)
  }
  return choose(eligible, count, random)
}
