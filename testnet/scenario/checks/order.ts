import { record } from '../fields.ts'
import { acknowledged } from '../history.ts'
import type { Outcome } from '../outcome.ts'
import { readChains } from './chains.ts'
import { type Check, failed, passed, verdict } from './check.ts'

const nothing = record<object>('arguments of this check', {})

/** All honest peers were given the same block at every height, and of it the same commands took effect. */
export const agreement: Check<object> = {
  args: nothing,
  judge: (outcome) => {
    const first = new Map<number, { peer: string; digest: string; effect: string }>()
    for (const [peer, chain] of readChains(outcome).byPeer) {
      for (const { height, digest, commands } of [...chain.values()].flat()) {
        const effect = commands.join(' ')
        const other = first.get(height) ?? { peer, digest, effect }
        first.set(height, other)
        if (other.digest !== digest) {
          const pair = `${other.peer} has ${other.digest.slice(0, 8)}, ${peer} has ${digest.slice(0, 8)}`
          return failed(`at height ${height} two blocks are final: ${pair}`)
        }
        if (other.effect === effect) continue
        return failed(`at height ${height} other commands took effect on ${peer} than on ${other.peer}`)
      }
    }
    const heights = `${first.size} heights, the same block at each on all ${outcome.honest.size} honest peers`
    return verdict(first.size > 0, first.size > 0 ? heights : 'nothing became final')
  }
}

/** What a client was told is final is in the log of every honest peer that has got so far, and is there for ever. */
export const ackedDurable: Check<object> = {
  args: nothing,
  judge: (outcome) => {
    const { byPeer } = readChains(outcome)
    const acked = acknowledged(outcome.history)
    let holders = 0
    for (const { placed, client } of acked) {
      const { command, height } = placed
      let held = 0
      for (const [peer, chain] of byPeer) {
        const lines = chain.get(height)
        if (lines === undefined) continue
        if (!lines.some(({ commands }) => commands.includes(command))) {
          return failed(
            `${client} was told that ${command.slice(0, 8)} is final at ${height}; ${peer} does not have it there`
          )
        }
        held++
      }
      if (held === 0) return failed(`nobody has height ${height}, where ${client} was told its command is final`)
      holders += held
    }
    if (acked.length === 0) return failed('no command was acknowledged, so none could be lost')
    const each = (holders / acked.length).toFixed(1)
    return passed(
      `${acked.length} commands acknowledged as final, 0 lost; each is in the log of ${each} peers on average`
    )
  }
}

interface Counted {
  readonly name: string
  readonly value: number
  /** The height it has counted up to: logs may have gone on since it was asked. */
  readonly executed: number
}

/** Counters of the honest peers that were as far as any when they were asked: one that was late may still be counting. */
function levelCounters({ peers, honest }: Outcome): readonly Counted[] {
  const groups = peers.flatMap(({ name, sample }) =>
    honest.has(name) && sample?.group ? [{ name, ...sample.group }] : []
  )
  const height = Math.max(0, ...groups.map((group) => group.height))
  return groups.flatMap(({ name, value, executed, height: own }) =>
    own === height && executed === height && value !== undefined ? [{ name, value, executed }] : []
  )
}

/** No command took effect at two heights, or twice at one; and the counter says so too. */
export const exactlyOnce: Check<object> = {
  args: nothing,
  judge: (outcome) => {
    const { commands } = readChains(outcome)
    const at = new Map<string, number>()
    for (const [height, ids] of commands) {
      for (const id of ids) {
        const before = at.get(id)
        if (before !== undefined) return failed(`command ${id.slice(0, 8)} took effect at ${before} and at ${height}`)
        at.set(id, height)
      }
    }
    const acked = acknowledged(outcome.history).length
    const found = `${at.size} commands took effect, each once; ${acked} were acknowledged`
    const counters = levelCounters(outcome)
    const upTo = (executed: number) => [...at.values()].filter((height) => height <= executed).length
    const wrong = counters.find(({ value, executed }) => value !== upTo(executed))
    if (wrong !== undefined) {
      const { name, value, executed } = wrong
      return failed(
        `${found}, but at height ${executed} the counter of ${name} stands at ${value}, not ${upTo(executed)}`
      )
    }
    const sentence = `${found}; the counters of ${counters.length} peers stand at ${counters[0]?.value} and are right`
    return verdict(at.size > 0 && acked <= at.size && counters.length > 0, sentence)
  }
}
