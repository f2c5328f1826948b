import { describe, expect, test } from 'vitest'
import { violations } from './test/checker.ts'
import { Cluster, generator } from './test/cluster.ts'

const CALM = { delayMs: [1, 2], syncMs: [0.5, 1], loss: 0 } as const
const ONES = (n: number) => Array.from({ length: n }, () => 1)

const allHave =
  (cluster: Cluster, commands: readonly string[], nodes = cluster.nodes) =>
  () =>
    nodes.every((node) => {
      const final = new Set(node.disk.blocks.flatMap(({ body }) => body as string[]))
      return commands.every((command) => final.has(command))
    })

describe('all online', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 10, 16, 31, 100])('%i members finalize, then fall silent', (n) => {
    const cluster = new Cluster(ONES(n), n, CALM)
    const commands = Array.from({ length: n > 31 ? 5 : 20 }, (_, i) => `c${i}`)
    for (const [i, command] of commands.entries()) {
      cluster.run(cluster.now + 7)
      cluster.submit(i % n, command)
    }
    expect(cluster.run(10_000, allHave(cluster, commands))).toBe(true)
    cluster.run(cluster.now + 20_000)
    expect(cluster.quiet).toBe(true)
    expect(violations(cluster.observed, ONES(n))).toEqual([])
    expect(cluster.observed.certificates.filter(({ kind }) => kind === 2)).toEqual([])
    expect(cluster.observed.messages.filter(({ type }) => type === 'certificate')).toEqual([])
  })
})

test('what is given to a step stays as it is, through loss, cuts and restarts', () => {
  const cluster = new Cluster(ONES(5), 11, { delayMs: [1, 60], syncMs: [0.2, 5], loss: 0.2 })
  cluster.frozen = true
  for (let i = 0; i < 40; i++) {
    cluster.run(cluster.now + 200)
    cluster.submit(i % 5, `c${i}`)
    if (i % 7 === 0) cluster.crash(i % 5)
    if (i % 7 === 3) for (const { index } of cluster.nodes) cluster.restart(index)
    if (i % 11 === 0) cluster.cut.add('0>1')
    if (i % 11 === 5) cluster.cut.clear()
  }
  cluster.cut.clear()
  cluster.faults = CALM
  for (const { index } of cluster.nodes) cluster.restart(index)
  cluster.submit(0, 'last')
  expect(cluster.run(cluster.now + 60_000, allHave(cluster, ['last']))).toBe(true)
})

describe('faults', () => {
  test('an idle group arms no timer and sends nothing', () => {
    const cluster = new Cluster(ONES(4), 1, CALM)
    cluster.run(60_000)
    expect(cluster.quiet).toBe(true)
    const before = cluster.observed.messages.length
    cluster.run(600_000)
    expect(cluster.observed.messages.length).toBe(before)
  })

  test('more than F silent: halts; back: goes on', () => {
    const cluster = new Cluster(ONES(7), 3, CALM)
    for (const index of [0, 1, 2]) cluster.crash(index)
    cluster.submit(4, 'x')
    cluster.run(60_000)
    expect(cluster.observed.final).toEqual([])
    cluster.restart(1)
    cluster.submit(4, 'y')
    expect(cluster.run(cluster.now + 60_000, allHave(cluster, ['x', 'y'], cluster.nodes.slice(3)))).toBe(true)
    expect(violations(cluster.observed, ONES(7))).toEqual([])
  })

  test.each(Array.from({ length: 60 }, (_, i) => i))('seed %i: loss, crashes and cuts, then calm', (seed) => {
    const random = generator(seed * 7919 + 1)
    const sizes = [4, 5, 7, 10]
    const n = sizes[seed % sizes.length] ?? 4
    const weights = seed % 3 === 0 ? ONES(n).map(() => 1 + Math.floor(random() * 5)) : ONES(n)
    const cluster = new Cluster(weights, seed, {
      delayMs: [1, 20 + 80 * random()],
      syncMs: [0.2, 5],
      loss: 0.3 * random()
    })
    const commands: string[] = []
    for (let i = 0; i < 60; i++) {
      cluster.run(cluster.now + 1_000 * random())
      const command = `c${i}`
      const alive = cluster.nodes.filter(({ alive }) => alive)
      const target = alive[Math.floor(random() * alive.length)]
      if (target !== undefined) cluster.submit(target.index, command)
      const victim = Math.floor(random() * n)
      const dice = random()
      if (dice < 0.15) cluster.crash(victim)
      else if (dice < 0.4) cluster.restart(victim)
      else if (dice < 0.5) cluster.cut.add(`${victim}>${Math.floor(random() * n)}`)
      else if (dice < 0.6) cluster.cut.clear()
      commands.push(command)
    }
    cluster.cut.clear()
    cluster.faults = CALM
    for (const { index } of cluster.nodes) cluster.restart(index)
    cluster.submit(0, 'last')
    const done = cluster.run(cluster.now + 60_000, allHave(cluster, ['last']))
    expect(violations(cluster.observed, weights)).toEqual([])
    expect(done).toBe(true)
    cluster.run(cluster.now + 60_000)
    expect(cluster.quiet).toBe(true)
  })
})
