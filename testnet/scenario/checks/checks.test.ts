import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { prepareRun } from '../../runner/prepare.ts'
import type { PeerRow } from '../../runner/state.ts'
import type { Asked } from '../history.ts'
import { readManifest } from '../manifest.ts'
import type { Fault, Outcome } from '../outcome.ts'
import { prepareChecks } from './index.ts'

const PEERS = ['p1', 'p2', 'liar1'] as const
const SCENARIO = {
  name: 'judged',
  durationS: 5,
  groups: [
    { name: 'p', count: 2 },
    { name: 'liar', count: 1, byzantine: { behaviour: 'equivocate' } }
  ],
  perturb: [{ atS: 1, target: 'p1', action: 'kill' }]
}

let directory: string
let outcome: Outcome
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'brume-checks-'))
  const manifest = readManifest({ ...SCENARIO, checks: [{ name: 'agreement' }] })
  const { groups, program, discovery } = manifest
  const folder = prepareRun({ directory, peers: groups, program, discovery, votes: true })
  outcome = {
    manifest,
    folder,
    honest: new Set(['p1', 'p2']),
    history: [acked(1, 1), acked(2, 2)],
    faults: [],
    accusations: [],
    changes: [],
    peers: PEERS.map((name) => row(name, 2, 2)),
    startedAtMs: 0,
    processesLeft: [],
    inbound: null,
    overloaded: false
  }
  for (const name of PEERS) write(name, [line(1, 'aa', ['x1']), line(2, 'bb', ['x2'])])
})
afterEach(() => rmSync(directory, { recursive: true }))

function line(height: number, digest: string, commands: readonly string[]): object {
  return { height, digest, commands }
}

function write(peer: string, lines: readonly object[], cut = ''): void {
  writeFileSync(outcome.folder.finalsPath(peer), lines.map((one) => `${JSON.stringify(one)}\n`).join('') + cut)
}

function acked(id: number, height: number, over: Partial<Asked> = {}): Asked {
  const placed = { command: `x${height}`, height, view: height, leader: undefined }
  const asked = { id, client: 'c1', peer: 'p1', invokedMs: 1_000 * id, completedMs: 1_000 * id + 40 }
  return { ...asked, outcome: 'acknowledged', placed, error: undefined, ...over }
}

function row(name: string, height: number, value: number, misdeeds = 0): PeerRow {
  return {
    name,
    peerId: `id-${name}`,
    state: 'running',
    sample: { group: { height, executed: height, value }, misdeeds }
  } as unknown as PeerRow
}

function fault(over: Partial<Fault> = {}): Fault {
  const [what] = outcome.manifest.perturb
  if (what === undefined) throw new Error('the scenario has a fault')
  return {
    number: 1,
    what,
    targets: ['p1'],
    beganMs: 500,
    appliedMs: 500,
    undoingMs: 1_400,
    endedMs: 1_500,
    backMs: 1_800,
    ...over
  }
}

async function judge(name: string, over: Partial<Outcome> = {}, args: object = {}): Promise<string> {
  const [check] = prepareChecks(readManifest({ ...SCENARIO, checks: [{ name, args }] }))
  const judged = await check?.({ ...outcome, ...over })
  return `${judged?.result}: ${judged?.sentence}`
}

describe('the order', () => {
  test('one history is one history, also where a SIGKILL cut a line short', async () => {
    write('p2', [line(1, 'aa', ['x1'])], '{"height":2,"dig')
    for (const name of ['agreement', 'acked-durable', 'exactly-once']) expect(await judge(name)).toMatch(/^passed/)
  })

  test('two blocks at one height are named with those who have them; a liar’s own account counts for nothing', async () => {
    write('liar1', [line(1, 'ff', ['x9'])])
    expect(await judge('agreement')).toMatch(/^passed/)
    write('p2', [line(1, 'cc', ['x1'])])
    expect(await judge('agreement')).toBe('failed: at height 1 two blocks are final: p1 has aa, p2 has cc')
  })

  test('one block that did something else on one peer is no agreement', async () => {
    write('p2', [line(1, 'aa', [])])
    expect(await judge('agreement')).toBe('failed: at height 1 other commands took effect on p2 than on p1')
  })

  test('a peer that holds another block after its restart than before disagrees with itself', async () => {
    write('p1', [line(1, 'aa', ['x1']), line(1, 'dd', ['x1'])])
    expect(await judge('agreement')).toMatch(/^failed: at height 1/)
  })

  test('an acknowledged command that one peer does not have, and one that nobody has, is lost', async () => {
    write('p2', [line(1, 'aa', []), line(2, 'bb', ['x2'])])
    expect(await judge('acked-durable')).toMatch(/^failed: c1 was told that x1 is final at 1; p2 does not have it/)
    expect(await judge('acked-durable', { history: [acked(3, 3)] })).toMatch(/^failed: nobody has height 3/)
    expect(await judge('acked-durable', { history: [] })).toMatch(/^failed: no command was acknowledged/)
  })

  test('a command at two heights took effect twice, and a counter that says otherwise is wrong', async () => {
    expect(await judge('exactly-once', { peers: [row('p1', 2, 2), row('p2', 2, 3)] })).toMatch(
      /^failed: .*counter of p2 stands at 3/
    )
    write('p1', [line(1, 'aa', ['x1']), line(2, 'bb', ['x1'])])
    expect(await judge('exactly-once')).toBe('failed: command x1 took effect at 1 and at 2')
  })
})

describe('time', () => {
  test('progress is counted from a fault to the first command that was asked for after it', async () => {
    const faults = [fault()]
    expect(await judge('progress-within', { faults }, { withinS: 1 })).toMatch(/^passed: .* slowest 540 ms/)
    expect(await judge('progress-within', { faults }, { withinS: 0.5 })).toMatch(/^failed/)
    expect(await judge('progress-within', { faults, overloaded: true }, { withinS: 0.5 })).toMatch(/^inconclusive/)
    const history = [acked(1, 1), acked(2, 2, { outcome: 'unknown', placed: undefined, completedMs: undefined })]
    expect(await judge('progress-within', { faults, history }, { withinS: 60 })).toMatch(/^failed: .* never/)
  })

  test('a target that is late or never back is named', async () => {
    expect(await judge('recovered-within', { faults: [fault()] }, { withinS: 1 })).toMatch(/^passed: .* 300 ms/)
    const faults = [fault({ number: 7, backMs: undefined })]
    expect(await judge('recovered-within', { faults }, { withinS: 1 })).toMatch(
      /^failed: p1 was not back 1 s after fault 7/
    )
    expect(await judge('recovered-within', {}, { withinS: 1 })).toBe('failed: there was no fault')
  })

  test('a group that was to stand still must not have answered, and must have been asked', async () => {
    const what = { ...fault().what, expect: 'halt' } as const
    const silent = acked(9, 9, { invokedMs: 4_000, outcome: 'unknown', placed: undefined, completedMs: undefined })
    const faults = [fault({ what, undoingMs: 9_000, endedMs: 9_500 })]
    expect(await judge('halted', { faults, history: [silent] })).toMatch(/^passed/)
    expect(await judge('halted', { faults, history: [acked(4, 2)] })).toMatch(
      /^failed: during fault 1 a command became final/
    )
    // Asked for before the fault, or final only when the members were on their way back: no word against the halt.
    const before = acked(5, 3, { invokedMs: 400, completedMs: 5_000 })
    const after = acked(6, 4, { invokedMs: 8_000, completedMs: 9_200 })
    expect(await judge('halted', { faults, history: [silent, before, after] })).toMatch(/^passed/)
    expect(await judge('halted', { faults, history: [] })).toMatch(/^failed: nobody asked/)
    expect(await judge('halted')).toMatch(/^failed/)
  })

  test('percentiles are of what clients waited, of one client where one is named', async () => {
    const history = [acked(1, 1), acked(2, 2, { client: 'c2', completedMs: 2_900 })]
    expect(await judge('p99-below', { history }, { ms: 100, client: 'c1' })).toMatch(
      /^passed: 1 commands of c1 final after 40 ms/
    )
    expect(await judge('p99-below', { history }, { ms: 100 })).toMatch(/^failed/)
    expect(await judge('p99-below', { history: [] }, { ms: 100 })).toMatch(/^failed/)
  })
})

describe('liars', () => {
  test('accusing the innocent fails, and so does accusing nobody where somebody had to be', async () => {
    const args = { peers: 'liar:*', atLeast: 1 }
    const liar = { by: 'p1', member: 'liar1', view: 3 }
    expect(await judge('evidence-names-only', { accusations: [liar] }, args)).toMatch(/^passed: liar1 and nobody else/)
    expect(await judge('evidence-names-only', {}, args)).toMatch(/^failed/)
    const accusations = [liar, { ...liar, member: 'p2' }]
    expect(await judge('evidence-names-only', { accusations }, args)).toBe(
      'failed: p2 kept to the rules and was accused'
    )
  })

  test('an attack that did not take place shows nothing', async () => {
    expect(await judge('attacked', { peers: [row('p1', 1, 1), row('liar1', 1, 1, 4)] })).toMatch(
      /^passed: liar1 4 times/
    )
    expect(await judge('attacked')).toMatch(/^failed: liar1 0 times/)
  })

  test('a client whose commands stand in the censor’s blocks was not censored', async () => {
    const by = (leader: string, client: string, id: number): Asked => {
      const placed = { command: `x${id}`, height: id, view: id, leader: `id-${leader}` }
      return acked(id, id, { client, placed })
    }
    const args = { leader: 'liar:*', client: 'c1' }
    const history = [by('liar1', 'c2', 1), by('p1', 'c1', 2)]
    expect(await judge('left-out', { history }, args)).toMatch(/^passed: liar1 put 1 commands of others and 0 of c1/)
    expect(await judge('left-out', { history: [...history, by('liar1', 'c1', 3)] }, args)).toMatch(/^failed/)
    expect(await judge('left-out', { history: [by('p1', 'c1', 2)] }, args)).toMatch(/^failed/)
  })
})

describe('a member that lost its memory', () => {
  const args = { target: 'p1', reason: 'journal' }
  const observing = { atMs: 2_000, peer: 'p1', state: 'observing', reason: 'the journal is damaged' }
  const votes = (atMs: number, over: Partial<Outcome> = {}): Partial<Outcome> => {
    const from = outcome.folder.manifest().peers.find(({ name }) => name === 'p1')?.peerId
    writeFileSync(outcome.folder.votesPath('p2'), `${JSON.stringify({ atMs, from, frame: 'AQ==' })}\n`)
    return over
  }

  test('has noticed, said why, sent no vote since, and follows', async () => {
    votes(400)
    expect(await judge('abstained', { faults: [fault()], changes: [observing] }, args)).toMatch(
      /^passed: p1 said "the journal is damaged", sent 0 votes/
    )
  })

  test.each([
    ['voted again', () => ({ changes: [observing, { ...observing, state: 'voting' }] })],
    ['did not notice', () => ({ changes: [] })],
    ['sent 1 frames with votes', () => votes(5_000, { changes: [observing] })],
    ['stands at 1 of 2', () => ({ changes: [observing], peers: [row('p1', 1, 1), row('p2', 2, 2)] })]
  ])('fails where it %s', async (sentence, over) => {
    expect(await judge('abstained', { faults: [fault()], ...over() }, args)).toMatch(
      new RegExp(`^failed: p1 .*${sentence}`)
    )
  })
})

test('processes left and connections round the proxy fail a run', async () => {
  expect(await judge('no-orphans')).toMatch(/^passed/)
  expect(await judge('no-orphans', { processesLeft: ['p2'] })).toBe('failed: p2 did not end')
  expect(await judge('no-bypass', { inbound: { seen: 6, around: 0 } })).toMatch(/^passed/)
  expect(await judge('no-bypass', { inbound: { seen: 6, around: 1 } })).toMatch(/^failed/)
  expect(await judge('no-bypass', { inbound: { seen: 0, around: 0 } })).toMatch(/^failed/)
})
